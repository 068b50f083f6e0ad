//! Claims, for random rules and messages:
//!
//! - the output is well-formed MessagePack, as another reader sees it;
//! - `scrub(scrub(x)) == scrub(x)`, in every view that the second scrub lets through, and with
//!   one view always;
//! - a redacted value is nowhere in the bytes of a view that may not see it, and no error or path
//!   holds any of it;
//! - what no rule finds anything in keeps its bytes.

#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::scrub_common;
use hub_scrub::{QuarantineReason, RuleSet, Scratch, Verdict, ViewId};
use hub_wire::{Limits, walk_all};
use proptest::prelude::*;
use proptest::sample::select;
use rmpv::Value;
use scrub_common::*;

const DETECTORS: &str = r#"
[detectors.card]
pattern = '4[0-9]{15}'
[detectors.mail]
pattern = '[a-z0-9]+@[a-z0-9]+\.example'
[detectors.digits]
pattern = '[0-9]{6,}'
[detectors.word]
pattern = 'secret[a-z]*'
[detectors.tail]
pattern = '[0-9*]{4}'
"#;

/// Actions on what is found, with a value of the right kind for the tests that a rule must have.
const ACTIONS: &[&str] = &[
    "\"mask\"",
    "\"drop\"",
    "{ do = \"mask\", with = \"#\" }",
    "{ do = \"mask\", length = 3 }",
    "{ do = \"keep_last\", n = 4 }",
    "{ do = \"keep_first\", n = 3 }",
    "{ do = \"replace\", with = \"[gone]\" }",
    "{ do = \"replace\", with = 0 }",
    "{ do = \"hash\", key = \"crm\" }",
    "{ do = \"token\", key = \"crm\" }",
    "{ do = \"encrypt\", key = \"crm\" }",
    "\"truncate_ip\"",
    "{ do = \"bucket\", size = 1000 }",
    "{ do = \"shift_date\", key = \"crm\", days = 10 }",
];
/// Actions on whole values alone.
const WHOLE: &[&str] = &[
    "{ do = \"normalise\", trim = true, nfc = true, case = \"lower\", timestamps = true }",
    "{ do = \"normalise\", case = \"upper\" }",
    "{ do = \"range\", min = 0, max = 1000000, outside = \"clamp\" }",
    "{ do = \"allow_keys\", keys = [\"a\", \"email\", \"list\"], unknown = \"drop\" }",
];
const DETECTED: &[(&str, &str)] = &[
    ("card", "\"4111111111111111\""),
    ("mail", "\"bob@mail.example\""),
    ("digits", "\"123456\""),
    ("word", "\"secretive\""),
    ("tail", "\"1234\""),
];
const PLACES: &[&str] = &[
    "paths = [\"**\"]",
    "paths = [\"a\"]",
    "paths = [\"a.*\", \"list.0\"]",
    "paths = [\"$\"]",
    "paths = [\"**.email\"]",
    "keys = [\"email\", \"card\"]",
    "types = [\"str\", \"int\"]",
    "types = [\"map\"]",
    "paths = [\"**\"], types = [\"bin\", \"float\", \"bool\"]",
];

/// `load` wants tests; what is under test here is the engine, so each rule gets some that hold.
fn rule(n: usize, find: &str, action: &str, mode: &str) -> String {
    let place = PLACES.iter().position(|place| find == *place);
    let hit = match (place, DETECTED.iter().find(|(name, _)| find.contains(&format!("\"{name}\"")))) {
        (None, Some((_, text))) => format!("{{ email = {text}, a = {text} }}"),
        _ => "{ email = \" Ab\", zz = { a = -5, list = [1, \"X\"] }, a = { b = \" Y \", list = -4, c = { msgpack = \"c40101\" }, d = true, e = 1e9 }, list = [\" 2024-01-01T00:00:00+01:00\"] }".to_owned(),
    };
    // A miss is a message in which there is nothing to find.
    let miss = "{ msgpack = \"c0\" }";
    format!(
        "[[rule]]\nname = \"r{n}\"\nlabel = \"l{}\"\nmode = \"{mode}\"\nfind = {{ {find} }}\naction = {action}\ntests = {{ hits = [{hit}], misses = [{miss}] }}\n",
        n % 3
    )
}

fn rules() -> impl Strategy<Value = String> {
    let place = || select(PLACES);
    let whole = (place(), prop_oneof![4 => select(ACTIONS), 1 => select(WHOLE)])
        .prop_map(|(find, action)| (find.to_owned(), action));
    let detected = (select(DETECTED), select(ACTIONS))
        .prop_map(|((name, _), action)| (format!("detectors = [\"{name}\"]"), action));
    let placed =
        (select(DETECTED), place(), select(ACTIONS)).prop_map(|((name, _), find, action)| {
            (format!("{find}, detectors = [\"{name}\"]"), action)
        });
    // A percentage is drawn anew for another payload, so a second scrub may act where the first
    // did not: see `scrub_judged_once.rs`.
    let mode = prop_oneof![6 => Just("enforce"), 1 => Just("shadow")];
    let one = (prop_oneof![2 => whole, 3 => detected, 1 => placed], mode);
    let views = proptest::collection::vec(
        (0..3_usize, prop_oneof![Just("\"keep\""), select(ACTIONS)]),
        0..3,
    );
    (proptest::collection::vec(one, 1..6), views).prop_map(|(list, views)| {
        let mut text = format!("{KEYS}{DETECTORS}");
        for (n, ((find, action), mode)) in list.iter().enumerate() {
            text.push_str(&rule(n, find, action, mode));
        }
        for (n, (label, action)) in views.iter().enumerate() {
            text.push_str(&format!("[views.v{n}]\nlabels = {{ l{label} = {action} }}\n"));
        }
        text
    })
}

/// Rules that load: a random one may say something that the file's own checks refuse (a view on
/// a label that no rule has, a normalisation that a detector is to find).
fn loaded() -> impl Strategy<Value = (String, std::sync::Arc<RuleSet>)> {
    rules().prop_filter_map("a rule file that loads", |text| {
        let rules = RuleSet::load(&text, "random.toml", &TestKeys).ok()?;
        Some((text, std::sync::Arc::new(rules)))
    })
}

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("4111111111111111".to_owned()),
        Just("bob@mail.example".to_owned()),
        Just("secretsauce".to_owned()),
        Just("10.1.2.3".to_owned()),
        Just("2024-03-01T10:20:30+02:00".to_owned()),
        Just("<hash:crm-2:AAAA>".to_owned()),
        Just("[_shift=crm-2-00]".to_owned()),
        "[0-9]{4,8}",
        "[A-Za-zß\u{301}é ]{0,4}",
        "\\PC{0,3}",
    ];
    proptest::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

fn message() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        4 => text().prop_map(|text| Value::from(text.as_str())),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => Just(Value::from(4_111_111_111_111_111_u64)),
        1 => any::<f64>().prop_map(Value::F64),
        1 => Just(Value::F64(4_111_111_111_111_111.0)),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Nil),
        1 => text().prop_map(|text| Value::Binary(text.into_bytes())),
        1 => text().prop_map(|text| {
            use base64::Engine;
            Value::Binary(base64::engine::general_purpose::STANDARD.encode(text).into_bytes())
        }),
        1 => proptest::collection::vec(any::<u8>(), 0..5).prop_map(Value::Binary),
        1 => (any::<i8>(), text()).prop_map(|(kind, text)| Value::Ext(kind, text.into_bytes())),
    ];
    let key = prop_oneof![
        4 => select(&["a", "b", "email", "card", "list", "E-Mail"][..]).prop_map(Value::from),
        1 => text().prop_map(|text| Value::from(text.as_str())),
        1 => any::<i32>().prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..20).prop_map(Value::Array),
            proptest::collection::vec((key.clone(), inner), 0..20).prop_map(Value::Map),
        ]
    })
}

fn encode(message: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, message).unwrap();
    bytes
}

fn views(rules: &RuleSet) -> Vec<ViewId> {
    let named = (0..3).filter_map(|n| rules.view(&format!("v{n}")));
    std::iter::once(ViewId::DEFAULT).chain(named).collect()
}

fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    // Debug builds are slow; PROPTEST_CASES says how thorough a run is to be.
    let cases = std::env::var_os("PROPTEST_CASES").map_or(150, |_| default.cases);
    ProptestConfig { cases, failure_persistence: None, max_global_rejects: 100_000, ..default }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_output_is_well_formed_and_a_second_scrub_changes_nothing((file, rules) in loaded(), message in message()) {
        let plan = rules.plan(&topic("t"));
        let bytes = encode(&message);
        let mut scratch = Scratch::default();
        let verdict = plan.scrub(&bytes, None, &mut scratch);
        for view in views(&rules) {
            let Some((once, _)) = verdict.render(view, &bytes, None) else { continue };
            prop_assert_eq!(walk_all(once, &Limits::NONE), Ok(()));
            unpack(once);
            let again = plan.scrub(once, None, &mut scratch);
            // What one view gets need not come to rest in another: a pattern that finds masks,
            // and a mask that is shorter than what it masks.
            if matches!(&again, Verdict::Quarantine(q) if q.reason == QuarantineReason::Unsettled) {
                prop_assert!(views(&rules).len() > 1);
                continue;
            }
            let twice = again.render(view, once, None).map(|(payload, _)| payload);
            prop_assert_eq!(twice, Some(once), "view {:?} of\n{}\n{}\nthen\n{}", view, file, message, unpack(once));
        }
    }

    #[test]
    fn payload_and_headers_fare_alike((_, rules) in loaded(), value in text()) {
        let bytes = encode(&Value::Map(vec![(Value::from("note"), Value::from(value.as_str()))]));
        let plan = rules.plan(&topic("t"));
        match plan.scrub(&[0xc0], Some(&bytes), &mut Scratch::default()) {
            Verdict::Quarantine(_) | Verdict::Refuse(_) | Verdict::Disconnect { .. } => {}
            verdict => for view in views(&rules) {
                let (payload, headers) = verdict.render(view, &[0xc0], Some(&bytes)).unwrap();
                prop_assert_eq!(payload, &[0xc0]);
                prop_assert!(hub_wire::check_headers(headers.unwrap(), &Limits::default()).is_ok());
            }
        }
    }
}

/// What the rules below are to find; each as the bytes that must not be left.
const PLANTED: &[&str] = &["4987654321098765", "ann@canary.example", "secretcanary"];

fn redacting() -> impl Strategy<Value = (String, usize, String)> {
    let complete: Vec<&str> =
        ACTIONS.iter().copied().filter(|action| !action.contains("bucket")).collect();
    (select(complete), 0..PLANTED.len(), proptest::collection::vec(select(ACTIONS), 0..3)).prop_map(
        |(action, at, others)| {
            let mut file = format!(
                "{KEYS}{DETECTORS}{}",
                rule(
                    0,
                    &format!("detectors = [\"{}\"]", ["card", "mail", "word"][at]),
                    action,
                    "enforce"
                )
            );
            for (n, other) in others.iter().enumerate() {
                file.push_str(&rule(
                    n + 1,
                    &format!("detectors = [\"{}\"]", DETECTED[n].0),
                    other,
                    "enforce",
                ));
            }
            // Of these views, the first may see all but what is planted.
            file.push_str("[views.v0]\nlabels = { ");
            let labels: Vec<String> =
                (1..=others.len().min(2)).map(|n| format!("l{n} = \"keep\"")).collect();
            file.push_str(&format!("{} }}\n", labels.join(", ")));
            (file, at, PLANTED[at].to_owned())
        },
    )
}

/// Puts the canary somewhere into a message: into a text, a key, bytes, base64 or a number.
fn plant(value: &mut Value, canary: &str, mut way: usize) {
    use base64::Engine;
    match value {
        Value::Array(values) if !values.is_empty() => {
            let at = way % values.len();
            way /= 7;
            plant(&mut values[at], canary, way);
        }
        Value::Map(entries) if !entries.is_empty() && !way.is_multiple_of(5) => {
            let at = way % entries.len();
            plant(&mut entries[at].1, canary, way / 5);
        }
        Value::Map(entries) => entries.push((Value::from(canary), Value::Nil)),
        other => {
            *other = match (way % 4, canary.parse::<u64>()) {
                (0, Ok(number)) => Value::from(number),
                (1, _) => Value::Binary(format!("x {canary} y").into_bytes()),
                (2, _) => Value::Binary(
                    base64::engine::general_purpose::STANDARD
                        .encode(format!("x {canary} y"))
                        .into_bytes(),
                ),
                _ => Value::from(format!("x {canary} y").as_str()),
            }
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_redacted_value_is_nowhere_in_what_a_view_gets((file, _, canary) in redacting(), mut message in message(), way in any::<usize>()) {
        use base64::Engine;
        plant(&mut message, &canary, way);
        let rules = RuleSet::load(&file, "r.toml", &TestKeys).map_err(|error| TestCaseError::fail(format!("{error}\n{file}")))?;
        let plan = rules.plan(&topic("t"));
        let bytes = encode(&message);
        let verdict = plan.scrub(&bytes, None, &mut Scratch::default());
        let said = format!("{verdict:?}");
        prop_assert!(!said.contains(&canary), "{}", said);
        let number = canary.parse::<u64>().map(|n| n.to_be_bytes().to_vec());
        for view in views(&rules) {
            let Some((seen, _)) = verdict.render(view, &bytes, None) else { continue };
            let holds = |needle: &[u8]| seen.windows(needle.len()).any(|window| window == needle);
            prop_assert!(!holds(canary.as_bytes()), "view {:?}: {}\n{}", view, unpack(seen), file);
            if let Ok(number) = &number {
                prop_assert!(!holds(number), "view {:?}: {}", view, unpack(seen));
            }
            for part in leaves(&unpack(seen)) {
                if let Ok(decoded) = base64::engine::general_purpose::STANDARD.decode(part) {
                    prop_assert!(!String::from_utf8_lossy(&decoded).contains(&canary));
                }
            }
        }
    }

    #[test]
    fn what_no_rule_finds_anything_in_keeps_its_bytes(message in message()) {
        let rules = load(&format!("{KEYS}{DETECTORS}[[rule]]\nname = \"r\"\nfind = {{ keys = [\"no such key\"] }}\naction = \"drop\"\ntests = {{ hits = [{{ no_such_key = 1 }}], misses = [1] }}"));
        let verdict = rules.plan(&topic("t")).scrub(&encode(&message), None, &mut Scratch::default());
        prop_assert!(matches!(verdict, Verdict::Accept), "{:?}", verdict);
    }

    #[test]
    fn bytes_that_no_walker_has_seen_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200), (_, rules) in loaded()) {
        let plan = rules.plan(&topic("t"));
        let verdict = plan.scrub(&bytes, None, &mut Scratch::default());
        if let Some((seen, _)) = verdict.render(ViewId::DEFAULT, &bytes, None) {
            prop_assert!(seen == bytes || matches!(verdict, Verdict::Fixed(_)));
        }
    }
}

/// The bytes of all `bin` in a message.
fn leaves(value: &Value) -> Vec<&[u8]> {
    match value {
        Value::Array(values) => values.iter().flat_map(leaves).collect(),
        Value::Map(entries) => {
            entries.iter().flat_map(|(key, value)| [leaves(key), leaves(value)].concat()).collect()
        }
        Value::Binary(bytes) | Value::Ext(_, bytes) => vec![bytes],
        _ => Vec::new(),
    }
}
