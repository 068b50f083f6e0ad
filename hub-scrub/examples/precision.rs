//! Measures how often the three packs change what is neither personal data nor a secret.
//!
//! Without it, a detector that finds more would look better, whatever else it destroys.
//!
//! ```sh
//! cargo run --release -p hub-scrub --example precision -- --count 1000000 --seed 1
//! cargo run --release -p hub-scrub --example precision -- --documents events.ndjson
//! ```
//!
//! The first form draws values of every shape of `tests/integration/benign`, or with `--shape TEXT` of those whose
//! name contains the text. It prints one row for each shape. A row that begins with `!` is above its bound, which
//! is one in 100,000 for nearly all shapes. The exit status says whether there is such a row.
//!
//! The second form reads documents, one JSON value a line, of which the caller knows that nothing in them should
//! change. It prints each change in one line, with tabs between the number of the line, the path, the rule, and the
//! value before and after, and then by rule how many documents were changed.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a tool for the terminal")]

#[path = "../tests/integration/benign/mod.rs"]
mod benign;

use benign::measure::{Measure, measure, shown};
use benign::{Bound, Scrub, shapes};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::ExitCode;

fn option(name: &str) -> Option<String> {
    std::env::args().skip_while(|arg| arg != name).nth(1)
}

fn number(name: &str, default: u64) -> u64 {
    option(name).map_or(default, |value| value.parse().expect("a number"))
}

fn main() -> ExitCode {
    let scrub = Scrub::new();
    match option("--documents") {
        Some(path) => of_documents(scrub, &path),
        None => of_shapes(scrub, number("--count", 10_000), number("--seed", 1)),
    }
}

/// Measures the shapes.
fn of_shapes(mut scrub: Scrub, count: u64, seed: u64) -> ExitCode {
    let (chosen, mut around) = (option("--shape").unwrap_or_default(), Measure::default());
    let (mut above, mut all) = (0, 0);
    println!("  {:<40} {:>9} {:>9} {:>10}  rules", "shape", "values", "changed", "rate");
    let mut row = |name: &str, measured: &Measure, bound: Bound| {
        let fault = !bound.allows(measured.changed, measured.documents);
        println!("{} {name:<40} {measured}", if fault { "!" } else { " " });
        if let Bound::Chance { .. } = bound {
            println!("      allowed: {bound}");
        }
        (above, all) = (above + u32::from(fault), all + 1);
    };
    for shape in shapes().filter(|shape| shape.name.contains(&chosen)) {
        let measured = measure(&mut scrub, shape, count, seed, &mut around);
        row(shape.name, &measured, shape.bound);
    }
    row("the events around the values", &around, Bound::Rare);
    println!("{above} of {all} above their bound");
    ExitCode::from(u8::from(above > 0))
}

/// Prints what is changed in the documents of a file.
fn of_documents(mut scrub: Scrub, path: &str) -> ExitCode {
    let (mut documents, mut changed) = (0_u64, 0_u64);
    let mut by_rule: BTreeMap<String, u64> = BTreeMap::new();
    for (number, line) in BufReader::new(File::open(path).unwrap()).lines().enumerate() {
        let line = line.unwrap();
        if line.trim().is_empty() {
            continue;
        }
        let document: Value = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("line {} is no JSON: {error}", number + 1));
        documents += 1;
        let changes = scrub.changes(&document);
        changed += u64::from(!changes.is_empty());
        for change in &changes {
            let (before, after) = shown(change);
            println!("{}\t{}\t{}\t{before}\t{after}", number + 1, change.place(), change.rules);
        }
        let rules: BTreeSet<&str> = changes.iter().flat_map(|one| one.rules.split(' ')).collect();
        for rule in rules {
            *by_rule.entry(rule.to_owned()).or_default() += 1;
        }
    }
    println!("{changed} of {documents} documents changed");
    for (rule, count) in by_rule {
        println!("{count:>9}  {rule}");
    }
    ExitCode::SUCCESS
}
