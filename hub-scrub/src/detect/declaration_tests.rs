//! Each declaration keeps its word: its examples are found, alone and through the prefilter.

use super::built_ins::DECLARATIONS;
use super::cluster::Cluster;
use super::declaration::{Declaration, Search};
use super::work::Work;
use super::{Candidates, Check, Confidence, DetectorSet, DetectorSpec, Scratch};
use hub_wire::Packer;
use std::collections::BTreeSet;

/// Compiles a detector that reports every match.
fn possible(declaration: &Declaration) -> DetectorSet {
    let spec = DetectorSpec::built_in(declaration.kind).from(Confidence::Possible);
    DetectorSet::new(&[spec]).expect("a set")
}

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
        let set = possible(declaration);
        let key = declaration.keys.first().copied().unwrap_or_default();
        let declared = [declaration.possible_integers, declaration.likely_integers].concat();
        for digits in (1..20).filter(|digits| !declared.contains(digits)) {
            let smallest = 10_u64.pow(digits as u32 - 1);
            let numbers = (0..500).map(|n| smallest + n * (smallest * 8 / 500 + 1));
            for number in numbers.filter(|number| number.ilog10() as usize + 1 == digits) {
                let found = set.scan_uint(key, number, &mut scratch);
                assert_eq!(found, None, "{}: {number}", declaration.name);
            }
        }
    }
}

/// The scan does not call a search at groups with a length that the search does not declare, so it
/// must find nothing there. The digits of each example are divided in every possible way.
#[test]
fn no_number_begins_with_a_group_whose_length_is_not_declared() {
    for declaration in DECLARATIONS {
        let set = possible(declaration);
        for search in declaration.searches {
            let Search::Number(search) = search else { continue };
            for example in declaration.examples {
                let mut hits = Vec::new();
                set.scan(example, &mut Scratch::default(), &mut hits);
                let hit = &example[hits[0].start..hits[0].end];
                for (text, start, len) in written_in_other_groups(hit) {
                    let found = {
                        let cluster = Cluster::read(text.as_bytes(), start, 0);
                        search.find(&cluster, 0, &mut Work::default())
                    };
                    assert!(
                        found.is_none() || search.may_begin(len),
                        "{}: {text}",
                        declaration.name
                    );
                }
            }
        }
    }
}

/// Returns a number in all groups into which its digits can be divided, with different separators. Each text
/// comes with the offset and the length of its first group, in bytes.
fn written_in_other_groups(number: &str) -> Vec<(String, usize, usize)> {
    let number = number.replace(|c: char| !c.is_ascii_alphanumeric(), "");
    let head = number.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (head, rest) = number.split_at(head);
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let mut texts = Vec::new();
    for divided in 0_u32..1 << (digits - 1) {
        let len = digits.min(divided.trailing_zeros() as usize + 1);
        for (separator, last) in [(' ', ' '), ('-', '-'), ('.', '.'), ('.', '-')] {
            let mut text = String::from(head);
            text.extend((!head.is_empty()).then_some(separator));
            let start = text.len();
            for (i, c) in rest.chars().enumerate() {
                text.push(c);
                // Bit `i` means that a separator is behind digit `i`.
                match divided.checked_shr(i as u32).unwrap_or(0) {
                    1 => text.push(last),
                    bits if bits & 1 == 1 => text.push(separator),
                    _ => {}
                }
            }
            texts.push((text, start, len));
        }
    }
    texts
}
