//! Claim: the pass over all bytes of a message that comes before the scans hides nothing: a text in
//! which a detector finds something is marked, whatever stands around it.

#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use hub_scrub::detect::{
    BuiltIn, Candidates, Confidence, DetectorSet, DetectorSpec, Except, Find, Hit, Scratch,
};
use hub_wire::Packer;
use proptest::prelude::*;
use proptest::sample::select;
use std::sync::LazyLock;

/// One set of each built-in, one of all, and one with patterns. They report every match, however doubtful.
static SETS: LazyLock<Vec<DetectorSet>> = LazyLock::new(|| {
    let pattern = |pattern: &str, literals: &[&str]| DetectorSpec {
        find: Find::Pattern {
            pattern: pattern.into(),
            literals: literals.iter().map(|literal| (*literal).to_owned()).collect(),
            check: None,
        },
        near: None,
        except: Except::default(),
        from: Confidence::Likely,
    };
    let all: Vec<_> = BuiltIn::ALL
        .iter()
        .map(|kind| DetectorSpec::built_in(*kind).from(Confidence::Possible))
        .collect();
    let mut sets: Vec<_> =
        all.iter().map(|one| DetectorSet::new(std::slice::from_ref(one)).unwrap()).collect();
    sets.push(DetectorSet::new(&all).unwrap());
    sets.push(DetectorSet::new(&[pattern("x[0-9]+y", &["X1", "7"])]).unwrap());
    sets.push(DetectorSet::new(&[pattern("x.y", &[]), pattern("o w", &["o w"])]).unwrap());
    sets
});

/// What the detectors look for, whole and in parts, and what may stand around it.
const PARTS: &[&str] = &[
    "4111 1111 1111 1111",
    "4111111111111111",
    "378282246310005",
    "DE89 3704 0044 0532 0130 00",
    "DE89370400440532013000",
    "de8 9370400440532013000",
    "GB82WEST12345698765432",
    "LC55HEMM000100010012001200023015",
    "ann@mail.example",
    "a@b.co",
    "+49 30 901820",
    "(212) 555-0187",
    "+1 (0)1 2 3 4 5 6 7",
    "+1 - 2 - 1 - 2 - 555 0187",
    "212.555.0187",
    "0301234567",
    "192.0.2.7",
    "1.1.1.1",
    "255.255.255.255",
    "2001:db8:1:2::3",
    "::1",
    "fe80::1%eth0",
    "1:2:3:4:5:6:7:8",
    "abcd:abcd:abcd:abcd:abcd:abcd:1.2.3.4",
    "536-90-4399",
    "536904399 ssn",
    "1234.56.782",
    "12345678Z",
    "X1234567L",
    "x-1234567-l",
    "RSSMRA85T10A562S",
    "1 85 05 2A 006 084 36",
    "255081416802538",
    "185052A00608436",
    "555-1234 call",
    "12.345.678-9",
    "123 456 7881 nhs",
    "111.444.777-35",
    "44051401359",
    "811228-9874",
    "046 454 286",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
    "AKIAQYLPMN5HHHFPZAM2",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "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",
    concat!("dapi", "a0b3c6d9e2f5a0b3c6d9e2f5a0b3c6d9"),
    concat!("_gitlab_session=", "a0b3c6d9e2f5a0b3c6d9e2f5a0b3c6d9"),
    concat!("v1.0-", "a0b3c6d9e2f5a0b3c6d9e2f5-"),
    concat!("123456789:AA", "aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE6"),
    concat!("a0b3c6d9e2f5a0b3c6d9e2f5a0b3c6d9", "-us12"),
    concat!("https://hooks.zapier.com/hooks/catch/", "1234567/ab3de6g"),
    concat!("aB3dE6gH9jK2mN", ".atlasv1."),
    "aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE6gH9jK2mN5pQ8sT1vX4yZ7aB3dE6gH9j",
    "SO-2026-123456",
    "INV-8112-289874",
    "AB/811228-9874",
    "X_030-123456",
    "SO-2026-185052A00608436",
    "N-212-555018",
    "-2026-504425 phone",
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n-----END PRIVATE KEY-----",
    "postgres://app:hunter2@db.example/app",
    "api_key q9Zx7Lm2Vb8Kt4Rw6Yp1Nc3Jd5Hf0Gs",
    "d41d8cd98f00b204e9800998ecf8427e",
    "secret d41d8cd98f00b204e9800998ecf8427e",
    "abcdef85a10a562e",
    "ABCDEF85A10A562E",
    "SG.0123456789abcdef012345.0123456789abcdef0123456789abcdef0123456789a",
    "3f2504e0-cf89-11d3-9a0c-0305e82cab01",
    "x17y",
    "how wide",
    "４１１１ 1111 1111 1111",
    "41\u{200b}11 1111 1111 1111",
    "a",
    "A1",
    "7",
    "0",
    " ",
    "-",
    ".",
    ":",
    "/",
    "@",
    "é",
    "e",
    "the customer asked for a delivery on Monday morning because",
];

/// A text, and how its head is written: as short as it can be, or as `str 8`.
fn text() -> impl Strategy<Value = (String, bool)> {
    let parts = prop_oneof![
        2 => select(PARTS).prop_map(str::to_owned),
        6 => prop::collection::vec(select(PARTS), 0..6).prop_map(|parts| parts.concat()),
        2 => ("[ -~]{0,70}", select(PARTS), "[ -~]{0,70}")
            .prop_map(|(before, part, behind)| format!("{before} {part} {behind}")),
        1 => "[0-9A-Za-z.:@ -]{0,120}",
    ];
    (parts, any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_text_with_a_hit_is_marked(texts in prop::collection::vec(text(), 1..12)) {
        let mut message = Vec::new();
        let mut places = Vec::new();
        for (text, long) in &texts {
            if *long && text.len() < 256 {
                message.extend([0xd9, text.len() as u8]);
                message.extend(text.bytes());
            } else {
                Packer(&mut message).str(text);
            }
            if text.len() < 256 {
                places.push((text, message.len() - text.len()..message.len()));
            }
        }
        let (mut scratch, mut hits) = (Scratch::default(), Vec::<Hit>::new());
        let mut candidates = Candidates::default();
        for set in SETS.iter() {
            set.candidates(&message, &mut candidates);
            for (text, place) in &places {
                for key in ["", WORDS] {
                    hits.clear();
                    set.scan_under(key, text, &mut scratch, &mut hits);
                    prop_assert!(
                        hits.is_empty() || candidates.any(place.clone()),
                        "{hits:?} in {text:?} of {message:?}"
                    );
                }
            }
        }
    }

    /// Of each detector alone and of all together the same is asked.
    #[test]
    fn all_in_one_scan_find_what_each_finds_alone(
        texts in prop::collection::vec(text(), 1..4), key in select(&["", "phone", "card tax dni"][..])
    ) {
        let (mut scratch, mut hits) = (Scratch::default(), Vec::<Hit>::new());
        let all = &SETS[BuiltIn::ALL.len()];
        for (text, _) in &texts {
            let mut alone = Vec::new();
            for (n, set) in SETS[..BuiltIn::ALL.len()].iter().enumerate() {
                hits.clear();
                set.scan_under(key, text, &mut scratch, &mut hits);
                alone.extend(hits.iter().map(|hit| (n, hit.start, hit.end)));
            }
            hits.clear();
            all.scan_each(key, text, &mut scratch, &mut hits);
            let together: Vec<_> =
                hits.iter().map(|hit| (usize::from(hit.detector), hit.start, hit.end)).collect();
            prop_assert_eq!(together, alone, "{:?}", text);
        }
    }
}

/// Words of every detector that needs one.
const WORDS: &str = "phone card ssn tax dni nhs bsn cpf pnr sin token";

/// The detectors that find something in this number, by their place in [`BuiltIn::ALL`]; each of them
/// has to say before that it could.
fn in_number(number: u64, scratch: &mut Scratch) -> Vec<usize> {
    let mut found = Vec::new();
    for (text, alone) in [(number.to_string(), true), (format!("-{number}"), false)] {
        for key in ["", "at", "phone", "nhsNumber", "bsn", WORDS] {
            let mut hits = Vec::<Hit>::new();
            SETS[BuiltIn::ALL.len()].scan_each(key, &text, scratch, &mut hits);
            for detector in hits.iter().map(|hit| usize::from(hit.detector)) {
                for set in [&SETS[detector], &SETS[BuiltIn::ALL.len()]] {
                    let may = set.may_have_hit(alone.then_some(key), number);
                    assert!(may, "{:?} in {text} under {key:?}", BuiltIn::ALL[detector]);
                }
                found.push(detector);
            }
        }
    }
    found
}

/// Numbers of every length, so many that each detector of numbers finds some.
#[test]
fn a_number_with_a_hit_is_not_passed_over() {
    let (mut scratch, mut found) = (Scratch::default(), vec![false; BuiltIn::ALL.len()]);
    let mut state = 7_u64;
    for digits in 1..=20_u32 {
        for _ in 0..600 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let least = 10_u64.pow(digits - 1);
            let number = least + (state >> 1) % least.saturating_mul(9).min(u64::MAX - least);
            in_number(number, &mut scratch).into_iter().for_each(|kind| found[kind] = true);
        }
    }
    for certain in [4_111_111_111_111_111, 255_081_416_802_538, 44_051_401_359, 12_345_678_995] {
        in_number(certain, &mut scratch).into_iter().for_each(|kind| found[kind] = true);
    }
    let all = BuiltIn::ALL.iter().zip(&found).filter(|(_, found)| **found);
    let all: Vec<_> = all.map(|(kind, _)| kind.name()).collect();
    let numbers = [
        "card",
        "phone",
        "us_ssn",
        "nl_bsn",
        "fr_nir",
        "de_steuer_id",
        "uk_nhs",
        "br_cpf",
        "pl_pesel",
        "se_personnummer",
        "ca_sin",
    ];
    assert_eq!(all, numbers);
}

#[test]
fn in_times_and_small_numbers_nothing_is_looked_for() {
    let all = &SETS[BuiltIn::ALL.len()];
    for number in [0, 7, 65_535, 9_999_999, 1_763_900_000_123, 1_763_900_000_123_456, u64::MAX] {
        assert!(!all.may_have_hit(None, number), "{number}");
    }
    let seconds = 1_763_900_000;
    let likely: Vec<_> = BuiltIn::ALL.iter().map(|kind| DetectorSpec::built_in(*kind)).collect();
    let all = DetectorSet::new(&likely).unwrap();
    assert!(!all.may_have_hit(Some("created_at"), seconds));
    assert!(!all.may_have_hit(Some("phone_verified_at"), seconds));
    assert!(all.may_have_hit(Some("homePhone"), seconds));
    assert!(all.may_have_hit(None, seconds));
    // A pattern may find anything.
    assert!(SETS[BuiltIn::ALL.len() + 1].may_have_hit(None, 7));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Names that end in two groups of digits, and what is nearly such a name.
    #[test]
    fn no_name_with_a_hit_is_passed_over(
        head in "[A-Z]{0,2}[-_/ .(+]{0,2}",
        groups in prop::collection::vec("0?[0-9]{2,7}|811228|9874|46454286|[1-9][0-9]{3}", 2..4),
        joined in "[-./ ]|[-(] ?",
        tail in "[AB]?[0-9]{0,8}|[ -]?[A-Z]|, tel|[-.][0-9]{1,4}",
        long in any::<bool>(),
    ) {
        let text = format!("{head}{}{tail}", groups.join(&joined));
        // The length of a `str 8` is to be a letter or digit.
        let text = if long { text.clone() + &" ".repeat(48) } else { text };
        let mut message = Vec::new();
        if long {
            message.extend([0xd9, text.len() as u8]);
            message.extend(text.bytes());
        } else {
            Packer(&mut message).str(&text);
        }
        let (mut scratch, mut hits) = (Scratch::default(), Vec::<Hit>::new());
        let mut candidates = Candidates::default();
        let all = &SETS[BuiltIn::ALL.len()];
        all.candidates(&message, &mut candidates);
        all.scan_under(WORDS, &text, &mut scratch, &mut hits);
        let marked = candidates.any(message.len() - text.len()..message.len());
        prop_assert!(hits.is_empty() || marked, "{hits:?} in {text:?}");
    }

    #[test]
    fn no_number_with_a_hit_is_passed_over(number in any::<u64>(), shift in 0..64_u32) {
        in_number(number >> shift, &mut Scratch::default());
    }
}

#[test]
fn ordinary_texts_are_not_marked() {
    let mut message = Vec::new();
    let texts = [
        "the customer asked for a delivery on Monday morning",
        "SO-2026",
        "12345 Leipzig",
        "12:30:45",
        "3f2504e0-cf89-11d3-9a0c-0305e82cab01",
        "9a8b7c6d5e4f3a2b",
        "899.50 EUR",
        "order.placed",
        "2026-03-04T12:30:45.123Z",
        "KX-8123-77",
        "SO-2026-123456",
        "INV/2026-00417, paid",
        "52913c9b-3c43-4cd2-ad83-b446bc98073f",
        "578fece7-6396-4103-ac63-68bb7b7d7c5c",
    ];
    let mut places = Vec::new();
    for text in texts {
        Packer(&mut message).str(text);
        places.push(message.len() - text.len()..message.len());
    }
    let mut candidates = Candidates::default();
    let all = &SETS[BuiltIn::ALL.len()];
    all.candidates(&message, &mut candidates);
    for (text, place) in texts.iter().zip(places) {
        assert!(!candidates.any(place), "{text}");
    }
}
