//! A user's own patterns, words, exceptions; and the memory that a scan takes.

use crate::detect_common;

use detect_common::{all, found, scan, scan_under};
use hub_scrub::detect::{
    BuiltIn, Check, DetectErrorKind, DetectorSet, DetectorSpec, Except, Find, Near, Scratch,
};

fn pattern(pattern: &str, literals: &[&str], check: Option<Check>) -> DetectorSpec {
    let literals = literals.iter().copied().map(String::from).collect();
    let find = Find::Pattern { pattern: pattern.into(), literals, check };
    DetectorSpec { find, ..DetectorSpec::pattern("") }
}

fn only(spec: DetectorSpec) -> DetectorSet {
    DetectorSet::new(&[spec]).expect("it compiles")
}

#[test]
fn a_pattern_is_tried_where_its_literal_is_and_its_check_passes() {
    let set = only(pattern(r"\bEMP-\d{4}\b", &["emp-"], Some(Check::Luhn)));
    assert!(scan(&set, "EMP-1236").is_empty(), "letters do not pass a check of digits");
    let set = only(pattern(r"\bEMP-(?<value>\d{5})\b", &["emp-"], Some(Check::Luhn)));
    assert_eq!(found(&set, "a EMP-12344 b EMP-12345 c"), ["12344"]);
    let never = only(pattern(r"\d{5}", &["absent"], None));
    assert!(scan(&never, "12345").is_empty());
    let disguised = only(pattern("EMP-[0-9]{2}", &[], None));
    assert_eq!(found(&disguised, "ü ＥＭＰ-１\u{200b}2"), ["ＥＭＰ-１\u{200b}2"]);
}

#[test]
fn words_are_needed_within_their_distance() {
    let near =
        |within, required| Near { words: vec!["badge".into(), "id".into()], within, required };
    let set = only(DetectorSpec { near: Some(near(10, true)), ..pattern(r"\d{6}", &[], None) });
    for text in ["badge 123456", "123456 (BADGE)", "id 123456", "staffId: 123456"] {
        assert_eq!(found(&set, text), ["123456"], "{text}");
    }
    for text in ["123456", "badge ............ 123456", "idea 123456", "david 123456"] {
        assert!(scan(&set, text).is_empty(), "{text}");
    }
    assert_eq!(scan_under(&set, "badge_no", "123456").len(), 1);
    let set = only(DetectorSpec { near: Some(near(10, false)), ..pattern(r"\d{6}", &[], None) });
    assert_eq!(found(&set, "123456"), ["123456"], "without `required` a match is certain");
    let cards =
        DetectorSpec { near: Some(near(10, true)), ..DetectorSpec::built_in(BuiltIn::Card) };
    assert!(scan(&only(cards), "4111111111111111").is_empty());
}

#[test]
fn exceptions_are_no_hits() {
    let except = Except {
        literals: vec!["Root@Example.com".into()],
        patterns: vec![r"@(.+\.)?example\.org$".into()],
    };
    let set = only(DetectorSpec { except, ..DetectorSpec::built_in(BuiltIn::Email) });
    assert_eq!(found(&set, "root@example.com a@b.example.org me@example.net"), ["me@example.net"]);
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let fails = |spec: DetectorSpec| {
        let error =
            DetectorSet::new(&[DetectorSpec::built_in(BuiltIn::Card), spec]).expect_err("wrong");
        assert_eq!(error.index, 1);
        error.kind
    };
    assert!(matches!(fails(pattern("(", &[], None)), DetectErrorKind::Pattern(_)));
    assert!(matches!(fails(pattern(r"\w{1000}{1000}", &[], None)), DetectErrorKind::Pattern(_)));
    for empty in ["a*", r"\b", "a|", "(?:)"] {
        assert!(
            matches!(fails(pattern(empty, &[], None)), DetectErrorKind::MatchesEmpty),
            "{empty}"
        );
    }
    assert!(matches!(fails(pattern("a", &[""], None)), DetectErrorKind::Empty("literals")));
    let near = Near { words: vec![], within: 10, required: true };
    let spec = DetectorSpec { near: Some(near), ..pattern("a", &[], None) };
    assert!(matches!(fails(spec), DetectErrorKind::Near));
    let except = Except { patterns: vec!["[".into()], ..Except::default() };
    let spec = DetectorSpec { except, ..pattern("a", &[], None) };
    assert!(matches!(fails(spec), DetectErrorKind::ExceptPattern(_)));
}

#[test]
fn long_matches_are_whole_and_hostile_patterns_linear() {
    let set = only(pattern("x[^ ]*", &[], None));
    let long = format!("x{}", "y".repeat(100_000));
    assert_eq!(found(&set, &format!("{} {long} z", "a ".repeat(3000))), [long.as_str()]);
    // Looks ahead to the end of the text from every place, and matches one byte.
    let set = only(pattern("a.*b|a", &[], None));
    assert_eq!(scan(&set, &"a".repeat(20_000)).len(), 20_000);
    let set = only(pattern("(a+)+b", &[], None));
    assert!(scan(&set, &"a".repeat(100_000)).is_empty());
}

#[test]
fn every_built_in_has_a_name_of_its_own() {
    for kind in BuiltIn::ALL {
        assert_eq!(kind.name().parse(), Ok(*kind));
    }
    for (name, check) in Check::ALL {
        assert_eq!(name.parse(), Ok(check));
    }
    assert_eq!("cards".parse::<BuiltIn>(), Err(()));
}

#[test]
fn a_text_without_a_hit_allocates_nothing() {
    let set = all();
    let (mut scratch, mut hits) = (Scratch::default(), Vec::new());
    let texts = [
        "Order 10023 of 2026-03-04T12:30:45Z was sent to 12345 Springfield, 3 items at 19.99".repeat(9),
        "Заказ №１２３ от 4 марта 2026, 12:30:45; id 3f2504e0-4f89-11d3-9a0c-0305e82c3301".repeat(9),
        "4111 1111 1111 1112, 987-65-4321, DE89 3704 0044 0532 0130 01, 300.1.2.3, a@b, eyJhbGciOiJIUzI1.x.y".into(),
    ];
    for text in &texts {
        set.scan(text, &mut scratch, &mut hits);
        assert!(hits.is_empty(), "{text}: {hits:?}");
    }
    let info = allocation_counter::measure(|| {
        for text in &texts {
            set.scan(text, &mut scratch, &mut hits);
        }
        assert_eq!(set.scan_uint("count", 1234, &mut scratch), None);
    });
    assert_eq!(info.count_total, 0);
}
