//! Recall and precision of each detector on a labelled corpus, as `tests/detect_corpus/corpus.py`
//! writes it:
//!
//! ```text
//! python hub-core/tests/detect_corpus/corpus.py --seed 1 > corpus.jsonl
//! cargo run --release -p hub-core --features scrub --example detect_recall -- corpus.jsonl
//! ```
//!
//! A labelled span counts as found if a hit of its detector has exactly its bytes. Precision is the
//! share of a detector's hits that are such spans. With `--misses` each miss and false hit is
//! printed; with `--floors` the exit status says whether structured identifiers reach recall 0.99
//! and precision 0.98, and phone numbers recall 0.90.

use hub_core::scrub::detect::{BuiltIn, DetectorSet, DetectorSpec, Scratch};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;

#[derive(Deserialize)]
struct Line {
    text: String,
    key: String,
    locale: String,
    spans: Vec<(usize, usize, String)>,
}

#[derive(Default)]
struct Counts {
    labelled: u32,
    hits: u32,
    right: u32,
    /// Labelled and found, by locale.
    locales: BTreeMap<String, (u32, u32)>,
}

impl Counts {
    fn recall(&self) -> f64 {
        f64::from(self.right) / f64::from(self.labelled)
    }

    fn precision(&self) -> f64 {
        f64::from(self.right) / f64::from(self.hits.max(1))
    }
}

/// The built-ins that the corpus has values of.
const KINDS: [BuiltIn; 12] = [
    BuiltIn::Card,
    BuiltIn::Iban,
    BuiltIn::Email,
    BuiltIn::Ipv4,
    BuiltIn::Ipv6,
    BuiltIn::UsSsn,
    BuiltIn::Jwt,
    BuiltIn::AwsKey,
    BuiltIn::GithubToken,
    BuiltIn::SlackToken,
    BuiltIn::StripeKey,
    BuiltIn::GoogleApiKey,
];

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| args.iter().any(|arg| arg == flag);
    let path = args.iter().find(|arg| !arg.starts_with("--")).ok_or("name the corpus")?;
    let kinds: Vec<_> = KINDS.into_iter().chain([BuiltIn::Phone]).collect();
    let specs: Vec<_> = kinds.iter().copied().map(DetectorSpec::built_in).collect();
    let set = DetectorSet::new(&specs)?;
    let (mut scratch, mut hits) = (Scratch::default(), Vec::new());
    let mut counts: BTreeMap<&str, Counts> = BTreeMap::new();
    for line in std::fs::read_to_string(path)?.lines() {
        let line: Line = serde_json::from_str(line)?;
        hits.clear();
        set.scan_under(&line.key, &line.text, &mut scratch, &mut hits);
        let named =
            hits.iter().map(|hit| (hit.start, hit.end, kinds[usize::from(hit.detector)].name()));
        let named: Vec<_> = named.collect();
        for (start, end, kind) in &line.spans {
            let kind = kind.parse::<BuiltIn>().map_err(|()| format!("no detector {kind}"))?.name();
            let found = named.contains(&(*start, *end, kind));
            let of = counts.entry(kind).or_default();
            of.labelled += 1;
            of.right += u32::from(found);
            let locale = of.locales.entry(line.locale.clone()).or_default();
            *locale = (locale.0 + 1, locale.1 + u32::from(found));
            if !found && has("--misses") {
                eprintln!(
                    "missed {kind} {:?} in {:?} [{}], hits {named:?}",
                    &line.text[*start..*end],
                    line.text,
                    line.key
                );
            }
        }
        for (start, end, kind) in named {
            counts.entry(kind).or_default().hits += 1;
            let right =
                line.spans.iter().any(|(s, e, k)| (*s, *e, k.as_str()) == (start, end, kind));
            if !right && has("--misses") {
                eprintln!("false {kind} {:?} in {:?}", &line.text[start..end], line.text);
            }
        }
    }
    let mut reached = true;
    eprintln!("{:<16} {:>8} {:>8} {:>10}", "detector", "labelled", "recall", "precision");
    for (kind, of) in &counts {
        eprintln!("{kind:<16} {:>8} {:>8.4} {:>10.4}", of.labelled, of.recall(), of.precision());
        let (recall, precision) = if *kind == "phone" { (0.90, 0.0) } else { (0.99, 0.98) };
        reached &= of.recall() >= recall && of.precision() >= precision;
    }
    if let Some(phone) = counts.get("phone") {
        for (locale, (labelled, found)) in &phone.locales {
            eprintln!(
                "phone, {locale}: {:.4} of {labelled}",
                f64::from(*found) / f64::from(*labelled)
            );
        }
    }
    Ok(if reached || !has("--floors") { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
