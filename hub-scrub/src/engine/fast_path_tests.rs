//! The fast path agrees with the full pass on every message.

use crate::plan::Plan;
use crate::{RuleSet, Scratch, SystemKeys, Verdict};
use hub_wire::TopicName;
use hub_wire::marker::{Family, Marker};
use proptest::prelude::*;
use proptest::sample::select;
use rmpv::Value;
use std::sync::{Arc, LazyLock};

const PATHS: &str = r#"
[[rule]]
name = "place"
find = { paths = ["a.note", "**.card_number", "items.*.x", "$headers.ref", "b.3"] }
action = "drop"
tests = { hits = [{ card_number = 1 }], misses = [1] }

[[rule]]
name = "named"
find = { keys = ["secret"] }
action = "mask"
tests = { hits = [{ secret = 1 }], misses = [1] }

[[rule]]
name = "both"
find = { paths = ["b.**"], keys = ["phone"], types = ["int"] }
action = { do = "range", min = 0, max = 5, outside = "clamp" }
tests = { hits = [{ b = { phone = 7 } }], misses = [{ phone = 7 }] }

[[rule]]
name = "kept"
find = { keys = ["kept"] }
action = { do = "allow_keys", keys = ["a"], unknown = "drop" }
tests = { hits = [{ kept = { b = 1 } }], misses = [{ kept = { a = 1 } }] }

[[rule]]
name = "card"
find = { detectors = ["card", "email"], types = ["int", "str"] }
action = "mask"
tests = { hits = ["4111 1111 1111 1111"], misses = [1] }
"#;

const PACKS: &str = "[[pack]]\nname = \"pci\"\n[[pack]]\nname = \"pii\"\n\
                     [[pack]]\nname = \"secrets\"\n";

pub(super) fn plan(rules: &str) -> Arc<Plan> {
    let rules = RuleSet::load(rules, "rules.toml", &SystemKeys).expect("a rule file");
    rules.plan(&TopicName::parse("t").expect("a topic"))
}

/// Each plan is here twice: with the fast path, and without it.
static PLANS: LazyLock<Vec<[Arc<Plan>; 2]>> = LazyLock::new(|| {
    let pair = |rules: String| {
        let mut slow = Arc::into_inner(plan(&rules)).expect("the only one");
        assert!(slow.without_fast_path(), "a plan with a fast path");
        [plan(&rules), Arc::new(slow)]
    };
    let small = "[budget]\nsteps = 300\n".to_owned();
    vec![pair(PATHS.into()), pair(PACKS.into()), pair(small + PATHS)]
});

const KEYS: &[&str] = &[
    "a",
    "note",
    "card_number",
    "cardNumber",
    "items",
    "x",
    "b",
    "3",
    "secret",
    "kept",
    "password",
    "dob",
    "e",
    "phone",
    "",
    "_",
    "4111111111111111",
    "sekret",
    "cvv",
    "total",
];

const TEXTS: &[&str] = &[
    "4111 1111 1111 1111",
    "ann@mail.example",
    "the customer asked for a delivery",
    "SO-2026-123456",
    "2026-03-04T12:30:45Z",
    "+49 30 901820",
    "12345678",
    "Straße 12",
    "４１１１ 1111 1111 1111",
    "3f2504e0-cf89-11d3-9a0c-0305e82cab01",
    "",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
];

/// A card number, a telephone number, a BSN, a PESEL, times, and numbers around the limits of 8 to 32
/// bits.
const NUMBERS: &[i64] = &[
    4_111_111_111_111_111,
    2_125_550_187,
    123_456_782,
    44_051_401_359,
    1_763_900_000,
    1_763_900_000_123,
    1_763_900_000_123_456_789,
    0,
    127,
    128,
    255,
    256,
    65_535,
    65_536,
    99_999,
    100_000,
    1 << 31,
    1 << 32,
];

fn key() -> impl Strategy<Value = String> {
    select(KEYS).prop_map(str::to_owned)
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => select(TEXTS).prop_map(str::to_owned),
        1 => "[ -~é]{0,40}",
        1 => select(TEXTS).prop_map(|text| text.repeat(12)),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => text().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => select(NUMBERS).prop_map(Value::from),
        1 => select(NUMBERS).prop_map(|n| Value::from(-n)),
        1 => select(&[0.5, 4_111_111_111_111_111.0, 2_125_550_187.0, -99_999.0, f64::NAN][..])
            .prop_map(Value::from),
        1 => text().prop_map(|text| Value::Binary(text.into_bytes())),
        1 => Just(Value::Nil),
        1 => text().prop_map(|text| Value::Ext(5, text.into_bytes())),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        let key = prop_oneof![
            6 => key().prop_map(Value::from),
            1 => text().prop_map(Value::from),
            1 => (0_u64..5).prop_map(Value::from),
            1 => Just(Value::Nil),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::vec((key, inner), 0..5).prop_map(Value::Map),
        ]
    })
}

fn pack(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    rmpv::encode::write_value(&mut out, value).expect("a vector takes all");
    out
}

/// Returns a verdict and its counts as text, so that two verdicts can be compared.
fn said(plan: &Plan, payload: &[u8], headers: Option<&[u8]>, scratch: &mut Scratch) -> String {
    let verdict = plan.scrub(payload, headers, scratch);
    let applied: Vec<_> = scratch.applied().collect();
    let rendered = verdict.render(crate::ViewId::DEFAULT, payload, headers);
    match verdict {
        Verdict::Accept | Verdict::Fixed(_) => format!("{rendered:?} {applied:?}"),
        other => format!("{other:?} {applied:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// A plan returns equal verdicts with the fast path and without it.
    #[test]
    fn the_fast_path_changes_no_verdict(
        payload in value(),
        headers in prop::option::of(prop::collection::vec((key(), text()), 0..4)),
    ) {
        let payload = pack(&payload);
        let headers = headers.map(|entries| {
            let entries = entries.into_iter().map(|(key, text)| (key.into(), text.into()));
            pack(&Value::Map(entries.collect()))
        });
        let (mut one, mut other) = (Scratch::default(), Scratch::default());
        for [with, without] in PLANS.iter() {
            prop_assert_eq!(
                said(with, &payload, headers.as_deref(), &mut one),
                said(without, &payload, headers.as_deref(), &mut other),
                "{:02x?}", payload
            );
        }
    }
}

#[test]
fn the_fast_path_finds_the_end_of_every_value_where_the_table_of_markers_has_it() {
    let mut scratch = Scratch::default();
    for byte in 0..=u8::MAX {
        let marker = Marker::of(byte);
        let values = usize::from(marker.count) * if marker.family == Family::Map { 2 } else { 1 };
        if marker.family == Family::Reserved {
            continue;
        }
        // The array has a value of zeros and then a card number. A fast path that misreads the
        // length of the first value misses the number.
        let mut payload = vec![0x92, byte];
        payload.resize(1 + usize::from(marker.size) + values, 0);
        payload.extend(pack(&Value::from("4111 1111 1111 1111")));
        for [with, without] in PLANS.iter() {
            let expected = said(without, &payload, None, &mut scratch);
            assert_eq!(said(with, &payload, None, &mut scratch), expected, "{byte:#x}");
        }
        // The fifth rule of the first plan looks for cards.
        let found = said(&PLANS[0][0], &payload, None, &mut scratch);
        assert!(found.contains("rule: 4, hits: 1"), "{byte:#x}: {found}");
    }
}

#[test]
fn rules_that_look_at_values_whatever_their_keys_are_need_a_pass() {
    for (find, fast) in [
        ("types = [\"bin\"]", false),
        ("paths = [\"*.*\"]", false),
        ("paths = [\"a\", \"*.*\"]", false),
        ("paths = [\"a.**\"]", true),
        ("keys = [\"b\"], types = [\"bin\"]", true),
    ] {
        let rules = format!(
            "[[rule]]\nname = \"r\"\nfind = {{ {find} }}\naction = \"mask\"\n\
             tests = {{ hits = [{{ a = {{ b = {{ msgpack = \"c40101\" }} }} }}], misses = [1] }}"
        );
        assert_eq!(plan(&rules).fast_path.is_some(), fast, "{find}");
    }
}
