//! Recall and precision of each detector on a labelled corpus, as `tests/integration/detect_corpus/corpus.py`
//! writes it. `tests/integration/detect_corpus/measure.sh` does both.
//!
//! ```text
//! python hub-scrub/tests/integration/detect_corpus/corpus.py --seed 1 > corpus.jsonl
//! cargo run -p hub-core --features scrub --example detect_recall -- corpus.jsonl
//! ```
//!
//! A labelled span counts as found if a hit of its detector has exactly its bytes. Precision is the
//! share of a detector's hits that are such spans. With `--misses` each miss and false hit is
//! printed; with `--floors` the exit status says whether structured identifiers reach recall 0.99
//! and precision 0.98, and phone numbers recall 0.90, over all locales.

use hub_scrub::detect::{BuiltIn, DetectorSet, DetectorSpec, Scratch};
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
}

impl Counts {
    fn recall(&self) -> f64 {
        f64::from(self.right) / f64::from(self.labelled.max(1))
    }

    fn precision(&self) -> f64 {
        f64::from(self.right) / f64::from(self.hits.max(1))
    }

    fn reaches_aims(&self, kind: &str) -> bool {
        let (recall, precision) = if kind == "phone" { (0.90, 0.0) } else { (0.99, 0.98) };
        (self.labelled == 0 || self.recall() >= recall)
            && (self.hits == 0 || self.precision() >= precision)
    }

    fn row(&self, kind: &str, locale: &str) -> String {
        format!(
            "{kind:<16} {locale:<8} {:>8} {:>8.4} {:>10.4}",
            self.labelled,
            self.recall(),
            self.precision()
        )
    }
}

/// By detector, and there by locale; `all` is every locale.
type Table<'a> = BTreeMap<&'a str, BTreeMap<String, Counts>>;

fn count<'a>(table: &mut Table<'a>, kind: &'a str, locale: &str, add: impl Fn(&mut Counts)) {
    let locales = table.entry(kind).or_default();
    for locale in [locale, "all"] {
        add(locales.entry(locale.to_owned()).or_default());
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
    let mut table = Table::new();
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
            count(&mut table, kind, &line.locale, |of| {
                of.labelled += 1;
                of.right += u32::from(found);
            });
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
            count(&mut table, kind, &line.locale, |of| of.hits += 1);
            let right =
                line.spans.iter().any(|(s, e, k)| (*s, *e, k.as_str()) == (start, end, kind));
            if !right && has("--misses") {
                eprintln!("false {kind} {:?} in {:?}", &line.text[start..end], line.text);
            }
        }
    }
    eprintln!(
        "{:<16} {:<8} {:>8} {:>8} {:>10}",
        "detector", "locale", "labelled", "recall", "precision"
    );
    let mut reached = true;
    for (kind, locales) in &table {
        eprintln!("{}", locales["all"].row(kind, "all"));
        reached &= locales["all"].reaches_aims(kind);
    }
    let mut title = "below the aims in one locale:\n";
    for (kind, locales) in &table {
        let below = |(locale, of): &(&String, &Counts)| *locale != "all" && !of.reaches_aims(kind);
        for (locale, of) in locales.iter().filter(below) {
            eprintln!("{title}{}", of.row(kind, locale));
            title = "";
        }
    }
    Ok(if reached || !has("--floors") { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
