//! How many documents of a shape are changed, by which rules, with samples.

use super::random::Random;
use super::scrub::{Change, Scrub};
use super::shape::Shape;
use super::surroundings::Surrounding;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A table shows this many samples of a shape.
const SAMPLES: usize = 3;

/// A sample shows at most this many characters of a value.
const SHOWN: usize = 80;

/// A `Measure` says what has become of the documents of one shape.
#[derive(Default)]
pub struct Measure {
    /// This many values were drawn.
    pub values: u64,
    /// This many documents were made of them.
    pub documents: u64,
    /// The value was changed in this many of the documents.
    pub changed: u64,
    /// Each surrounding has the number of its changed documents.
    pub by_surrounding: BTreeMap<Surrounding, u64>,
    /// Each rule has the number of documents that it changed.
    pub by_rule: BTreeMap<String, u64>,
    samples: Vec<Sample>,
}

/// A `Sample` is one change, to be shown.
struct Sample {
    /// The value was the one with this number.
    value: u64,
    surrounding: Surrounding,
    rules: String,
    text: String,
}

impl Measure {
    pub fn rate(&self) -> f64 {
        self.changed as f64 / self.documents.max(1) as f64
    }

    /// Counts a document in which these values were changed.
    fn count(&mut self, surrounding: Surrounding, changes: &[Change]) {
        let [first, ..] = changes else { return };
        self.changed += 1;
        *self.by_surrounding.entry(surrounding).or_default() += 1;
        let rules: BTreeSet<&str> = changes.iter().flat_map(|one| one.rules.split(' ')).collect();
        for rule in rules {
            *self.by_rule.entry(rule.to_owned()).or_default() += 1;
        }
        // Three samples of one value, or of one rule in one surrounding, would tell hardly more than one of them.
        let alike = |one: &Sample| {
            one.value == self.values || (one.surrounding, &one.rules) == (surrounding, &first.rules)
        };
        if self.samples.len() < SAMPLES && !self.samples.iter().any(alike) {
            let (before, after) = shown(first);
            let text = format!("{}: {before} -> {after}", first.place());
            let rules = first.rules.clone();
            self.samples.push(Sample { value: self.values, surrounding, rules, text });
        }
    }
}

impl fmt::Display for Measure {
    /// Writes the counts, in columns, with the samples below.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (values, changed, rate) = (self.values, self.changed, self.rate());
        write!(f, "{values:>9} {changed:>9} {rate:>10.6}")?;
        if changed > 0 {
            write!(f, "  {} ({})", listed(&self.by_rule), listed(&self.by_surrounding))?;
        }
        self.samples.iter().try_for_each(|sample| write!(f, "\n      {}", sample.text))
    }
}

fn listed<K: fmt::Display>(counts: &BTreeMap<K, u64>) -> String {
    counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}

/// Writes the value of a change before and after, each in one line of at most [`SHOWN`] characters. A long text is
/// shown from shortly before the place where it differs.
pub fn shown(change: &Change) -> (String, String) {
    let text = |value: &Value| value.to_string();
    let before = text(&change.before);
    let after = change.after.as_ref().map_or("nothing".to_owned(), text);
    let equal = before.chars().zip(after.chars()).take_while(|(old, new)| old == new).count();
    let long = before.chars().count() > SHOWN;
    let begin = if long { equal.saturating_sub(SHOWN / 4) } else { 0 };
    (cut(&before, begin), cut(&after, begin))
}

fn cut(text: &str, begin: usize) -> String {
    let mut chars = text.chars().skip(begin);
    let mut shown: String = chars.by_ref().take(SHOWN).collect();
    if begin > 0 {
        shown.insert(0, '…');
    }
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}

/// Draws values of a shape, and runs each of them through the packs in every surrounding. What changes around the
/// values is counted in `around`.
pub fn measure(
    scrub: &mut Scrub,
    shape: &Shape,
    values: u64,
    seed: u64,
    around: &mut Measure,
) -> Measure {
    let mut random = Random::new(seed, shape.name);
    let mut measured = Measure::default();
    for _ in 0..values {
        let value = shape.draw(&mut random);
        let key = random.pick(shape.keys);
        measured.values += 1;
        for surrounding in Surrounding::ALL {
            let (document, path) = surrounding.document(&mut random, key, &value);
            let (of_value, others): (Vec<_>, Vec<_>) = scrub
                .changes(&document)
                .into_iter()
                .partition(|change| change.path.is_empty() || change.path.starts_with(&path));
            measured.documents += 1;
            measured.count(surrounding, &of_value);
            if surrounding == Surrounding::Event {
                (around.values, around.documents) = (around.values + 1, around.documents + 1);
                around.count(surrounding, &others);
            }
        }
    }
    measured
}
