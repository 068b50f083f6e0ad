//! Each declaration keeps its word: its examples are found, alone and through the prefilter.

use super::built_ins::DECLARATIONS;
use super::{Candidates, Check, DetectorSet, DetectorSpec, Scratch};
use hub_wire::Packer;
use std::collections::BTreeSet;

#[test]
fn the_examples_of_a_detector_are_found_and_marked() {
    for declaration in DECLARATIONS {
        let set = DetectorSet::new(&[DetectorSpec::built_in(declaration.kind)]).expect("a set");
        for example in declaration.examples {
            let mut hits = Vec::new();
            set.scan(example, &mut Scratch::default(), &mut hits);
            let [hit] = hits[..] else { panic!("{}: {hits:?} in {example}", declaration.name) };
            let mut message = Vec::new();
            Packer(&mut message).str(example);
            let mut candidates = Candidates::default();
            set.candidates(&message, &mut candidates);
            let text = message.len() - example.len()..message.len();
            assert!(candidates.any(text), "{}: {example} is not marked", declaration.name);
            if declaration.check.is_some() {
                let check: Check = declaration.name.parse().expect("a check of this name");
                assert!(check.passes(&example[hit.start..hit.end]), "{example}");
            }
        }
    }
}

#[test]
fn no_two_detectors_have_one_name() {
    let names: BTreeSet<&str> = DECLARATIONS.iter().map(|one| one.name).collect();
    assert_eq!(names.len(), DECLARATIONS.len());
}

/// Integers with a count of digits that a detector does not declare are not scanned for it, so it
/// must find nothing in them.
#[test]
fn nothing_is_found_in_integers_whose_digits_are_not_declared() {
    let mut scratch = Scratch::default();
    for declaration in DECLARATIONS {
        let set = DetectorSet::new(&[DetectorSpec::built_in(declaration.kind)]).expect("a set");
        let key = declaration.words.join(" ");
        let declared = [declaration.ambiguous_integers, declaration.certain_integers].concat();
        for digits in (1..20).filter(|digits| !declared.contains(digits)) {
            let smallest = 10_u64.pow(digits as u32 - 1);
            let numbers = (0..500).map(|n| smallest + n * (smallest * 8 / 500 + 1));
            for number in numbers.filter(|number| number.ilog10() as usize + 1 == digits) {
                let found = set.scan_uint(&key, number, &mut scratch);
                assert_eq!(found, None, "{}: {number}", declaration.name);
            }
        }
    }
}
