//! Claim: the packs leave alone what looks like personal data or a secret and is none. Of the values that systems
//! usually write, fewer than one in 100,000 is changed.
//!
//! The values come from a seed (`benign`). This test draws a few of each shape, so it sees what changes often.
//! `cargo run --release -p hub-scrub --example precision -- --count 1000000` sees what changes seldom.

use crate::benign::measure::{Measure, measure};
use crate::benign::{Bound, Random, Scrub, Shape, shapes};
use hub_scrub::detect::Check;
use std::collections::BTreeSet;

/// The test draws this many values of each shape. Each becomes three documents.
const VALUES: u64 = 120;

/// Returns the seed of the values, which `HUB_TEST_SEED` sets. It is fixed otherwise, because a value that nobody
/// has seen should fail when somebody searches, and not while another change is checked.
fn seed() -> u64 {
    let seed = std::env::var("HUB_TEST_SEED").ok();
    let seed = seed.map_or(1, |seed| seed.parse().expect("the seed is a whole number"));
    eprintln!("HUB_TEST_SEED={seed}");
    seed
}

#[test]
fn benign_values_pass_unchanged() {
    let seed = seed();
    let (mut scrub, mut around) = (Scrub::new(), Measure::default());
    let mut faults = Vec::new();
    for shape in shapes() {
        let measured = measure(&mut scrub, shape, VALUES, seed, &mut around);
        if !shape.bound.allows(measured.changed, measured.documents) {
            let (name, bound) = (shape.name, shape.bound);
            faults.push(format!("{name:<40} {measured}\n      allowed: {bound}"));
        }
    }
    if !Bound::Rare.allows(around.changed, around.documents) {
        faults.push(format!("{:<40} {around}", "the events around the values"));
    }
    let title = format!("{:<40} {:>9} {:>9} {:>10}", "shape", "values", "changed", "rate");
    assert!(
        faults.is_empty(),
        "HUB_TEST_SEED={seed}: {} shapes change more often than they may\n{title}\n{}",
        faults.len(),
        faults.join("\n")
    );
}

fn shape(name: &str) -> &'static Shape {
    shapes().find(|shape| shape.name == name).expect("there is such a shape")
}

/// A name tells the values apart that are drawn with one seed.
#[test]
fn no_two_shapes_have_one_name() {
    let names: BTreeSet<&str> = shapes().map(|shape| shape.name).collect();
    assert_eq!(names.len(), shapes().count());
}

/// A detector that knows the check digits could leave alone articles with wrong ones and still mask all real ones.
#[test]
fn check_digits_are_those_of_real_articles() {
    let seed = seed();
    for (name, check, right) in [
        ("EAN-8", Check::Gs1, true),
        ("EAN-13", Check::Gs1, true),
        ("UPC", Check::Gs1, true),
        ("ITF-14", Check::Gs1, true),
        ("ISBN-13", Check::Gs1, true),
        ("IMEI", Check::Luhn, true),
        ("ICCID", Check::Luhn, true),
        ("IBAN with wrong check digits", Check::Iban, false),
    ] {
        let mut random = Random::new(seed, name);
        for _ in 0..100 {
            let value = shape(name).draw(&mut random);
            let text = value.as_str().expect("an article's number is text");
            assert_eq!(check.passes(text), right, "HUB_TEST_SEED={seed}: {name} {text}");
        }
    }
}
