//! Sets and hits for the tests of the detectors.

#![allow(dead_code, reason = "each test file uses its part")]

use hub_scrub::detect::{BuiltIn, DetectorSet, DetectorSpec, Hit, Scratch};

/// A set of built-ins.
pub(crate) fn set(kinds: &[BuiltIn]) -> DetectorSet {
    let specs: Vec<_> = kinds.iter().copied().map(DetectorSpec::built_in).collect();
    DetectorSet::new(&specs).expect("built-ins compile")
}

/// Every built-in.
pub(crate) fn all() -> DetectorSet {
    set(BuiltIn::ALL)
}

/// The hits in `text`.
pub(crate) fn scan(set: &DetectorSet, text: &str) -> Vec<Hit> {
    scan_under(set, "", text)
}

/// The hits in `text` under a key. Whatever is found, it is in order and on characters.
pub(crate) fn scan_under(set: &DetectorSet, key: &str, text: &str) -> Vec<Hit> {
    let mut hits = Vec::new();
    set.scan_under(key, text, &mut Scratch::default(), &mut hits);
    for pair in hits.windows(2) {
        assert!(pair[0].end <= pair[1].start, "{hits:?} in {text:?}");
    }
    for hit in &hits {
        assert!(
            hit.start < hit.end && text.get(hit.start..hit.end).is_some(),
            "{hit:?} in {text:?}"
        );
    }
    hits
}

/// What of `text` the hits cover.
pub(crate) fn found<'a>(set: &DetectorSet, text: &'a str) -> Vec<&'a str> {
    scan(set, text).iter().map(|hit| &text[hit.start..hit.end]).collect()
}

/// The check digit that makes `digits` pass Luhn when it is appended.
pub(crate) fn luhn_digit(digits: &str) -> char {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(i, b)| {
            let digit = u32::from(b - b'0');
            if i % 2 == 1 { digit } else { digit / 5 + digit * 2 % 10 }
        })
        .sum();
    char::from_digit((10 - sum % 10) % 10, 10).expect("a digit")
}

/// The two check digits of an IBAN.
pub(crate) fn iban_digits(country: &str, bban: &str) -> String {
    let turned = format!("{bban}{country}00");
    let rest = turned.chars().fold(0, |rest, c| match c.to_digit(36).expect("alphanumeric") {
        digit @ 0..10 => (rest * 10 + digit) % 97,
        letter => (rest * 100 + letter) % 97,
    });
    format!("{:02}", 98 - rest)
}
