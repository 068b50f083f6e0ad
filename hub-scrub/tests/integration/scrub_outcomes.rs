//! Claim: what is refused, quarantined or counted is so for the reason the rules give, and
//! nothing that is said about it holds content of the message.

#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::scrub_common;
use hub_scrub::{
    Quarantine, QuarantineReason, RuleSet, Scratch, Scrubber, ScrubberEvent, ScrubberOutcome,
    Verdict, ViewId,
};
use rmpv::Value as V;
use scrub_common::*;
use serde_json::json;
use std::sync::Arc;

fn bytes(value: &V) -> Vec<u8> {
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, value).unwrap();
    bytes
}

fn structure(limits: &str, hit: &str, miss: &str) -> RuleSet {
    load(&format!(
        "[[rule]]\nname = \"shape\"\nstructure = {{ {limits} }}\ntests = {{ hits = [{hit}], misses = [{miss}] }}"
    ))
}

#[test]
fn structural_limits_refuse_with_the_path() {
    for (limits, hit, miss, message, path) in [
        ("max_bytes = 5", "\"123456\"", "\"1\"", json!("123456"), "$"),
        ("max_depth = 1", "[[]]", "[]", json!([1, []]), "1"),
        ("max_elements = 2", "[1, 2, 3]", "[1, 2]", json!([1, 2, 3]), "2"),
        ("max_elements = 2", "{ a = 1, b = 2 }", "{ a = 1 }", json!({ "a": 1, "b": 2 }), "*"),
        ("max_keys = 1", "{ a = 1, b = 2 }", "{ a = 1 }", json!([{ "a": 1, "b": 2 }]), "0"),
        ("max_key_bytes = 1", "{ ab = 1 }", "{ a = 1 }", json!({ "ab": 1 }), "*"),
        ("max_string_bytes = 1", "\"ab\"", "\"a\"", json!({ "x": "ab" }), "*"),
        ("types = [\"map\", \"int\"]", "1.5", "{ a = 1 }", json!({ "x": "ab" }), "*"),
        ("nonfinite = \"reject\"", "nan", "1.0", json!(0), ""),
        ("ext = [-1]", "{ msgpack = \"d40501\" }", "{ msgpack = \"d4ff01\" }", json!(0), ""),
        (
            "duplicate_keys = \"reject\"",
            "{ msgpack = \"82 a161 01 d90161 02\" }",
            "{ a = 1 }",
            json!(0),
            "",
        ),
        (
            "duplicate_keys = \"reject\"",
            "{ msgpack = \"82 01 01 d10001 02\" }",
            "{ msgpack = \"82 01 01 a131 02\" }",
            json!(0),
            "",
        ),
    ] {
        let rules = structure(limits, hit, miss);
        if !path.is_empty() {
            assert_eq!(refused(&rules, &message), ("shape".into(), path.into()), "{limits}");
        }
    }
}

#[test]
fn a_structural_fault_can_be_mended() {
    let run = |limits: &str, hit: &str, message: V| {
        let rules = structure(limits, hit, "1");
        let bytes = bytes(&message);
        let verdict = rules.plan(&topic("t")).scrub(&bytes, None, &mut Scratch::default());
        unpack(verdict.render(ViewId::DEFAULT, &bytes, None).unwrap().0)
    };
    let twice = V::Map(vec![
        (V::from("a"), V::from(1)),
        (V::from("b"), V::from(2)),
        (V::from("a"), V::from(3)),
        (V::from("a"), V::from(4)),
    ]);
    let hit = "{ msgpack = \"82 a161 01 a161 02\" }";
    let (a, b) = (V::from("a"), V::from("b"));
    assert_eq!(
        run("duplicate_keys = \"keep_first\"", hit, twice.clone()),
        V::Map(vec![(a.clone(), V::from(1)), (b.clone(), V::from(2))])
    );
    assert_eq!(
        run("duplicate_keys = \"keep_last\"", hit, twice),
        V::Map(vec![(b, V::from(2)), (a, V::from(4))])
    );
    let floats = V::Array(vec![V::F64(f64::NAN), V::F32(f32::INFINITY), V::F64(1.5)]);
    assert_eq!(
        run("nonfinite = \"nil\"", "nan", floats),
        V::Array(vec![V::Nil, V::Nil, V::F64(1.5)])
    );
}

#[test]
fn rules_reject_quarantine_and_disconnect() {
    let rule = |action: &str| {
        load(&format!(
            "[[rule]]\nname = \"r\"\nfind = {{ paths = [\"a.*.secret\"] }}\naction = \"{action}\"\n\
             tests = {{ hits = [{{ a = [{{ secret = 1 }}] }}], misses = [{{ a = 1 }}] }}"
        ))
    };
    let message = json!({ "a": { "4111": { "secret": "x" } } });
    assert_eq!(refused(&rule("reject"), &message), ("r".into(), "a.*.secret".into()));
    let Verdict::Refuse(refusal) = scrub(&rule("reject"), &message).0 else { panic!() };
    assert_eq!(refusal.code.number(), 17);
    let (verdict, bytes) = scrub(&rule("quarantine"), &message);
    assert!(verdict.render(ViewId::DEFAULT, &bytes, None).is_none());
    let Verdict::Quarantine(quarantine) = verdict else { panic!() };
    assert_eq!(quarantine, Quarantine { rule: Some("r".into()), reason: QuarantineReason::Rule });
    let Verdict::Disconnect { rule } = scrub(&rule("disconnect"), &message).0 else { panic!() };
    assert_eq!(&*rule, "r");
}

#[test]
fn what_a_message_is_as_a_whole_rejects_quarantines_and_disconnects() {
    for judge in [
        "schema = { type = \"array\" }",
        "condition = \"size(payload) > 0\"",
        "structure = { types = [\"array\"] }",
    ] {
        let verdict = |action: &str| {
            let rules = load(&format!(
                "[[rule]]\nname = \"r\"\n{judge}\naction = \"{action}\"\n\
                 tests = {{ hits = [{{ bye = [] }}], misses = [[]] }}"
            ));
            scrub(&rules, &json!({ "bye": [] })).0
        };
        assert!(matches!(verdict("reject"), Verdict::Refuse(_)), "{judge}");
        assert!(matches!(verdict("quarantine"), Verdict::Quarantine(_)), "{judge}");
        assert!(matches!(verdict("disconnect"), Verdict::Disconnect { .. }), "{judge}");
    }
}

const DIGITS: &str = "[detectors.digits]\npattern = '[0-9]{4}'\n[[rule]]\nname = \"digits\"\nMODE\n\
    find = { detectors = [\"digits\"], in = [\"values\", \"keys\", \"headers\", \"topic\"] }\naction = \"mask\"\n\
    tests = { hits = [1234], misses = [123] }\n";

#[test]
fn over_the_budget_means_quarantine() {
    let long = json!(vec!["1234"; 50]);
    for (budget, reason) in [
        ("steps = 1000", QuarantineReason::Steps),
        ("bytes = 100", QuarantineReason::Bytes),
        ("matches = 49", QuarantineReason::Matches),
    ] {
        let rules = load(&format!("[budget]\n{budget}\n{}", DIGITS.replace("MODE", "")));
        let Verdict::Quarantine(quarantine) = scrub(&rules, &long).0 else { panic!("{budget}") };
        assert_eq!(quarantine, Quarantine { rule: None, reason });
        assert!(matches!(scrub(&rules, &json!(vec!["1234"; 5])).0, Verdict::Fixed(_)), "{budget}");
    }
}

#[test]
fn a_million_keys_end_in_quarantine() {
    let rules = load(
        "[[rule]]\nname = \"d\"\nstructure = { duplicate_keys = \"reject\" }\n\
         tests = { hits = [{ msgpack = \"82 01 01 01 01\" }], misses = [1] }\n",
    );
    let map = V::Map((0..1_000_000_u32).map(|n| (V::from(n), V::Nil)).collect());
    let verdict = rules.plan(&topic("t")).scrub(&bytes(&map), None, &mut Scratch::default());
    let Verdict::Quarantine(quarantine) = verdict else { panic!("{verdict:?}") };
    assert_eq!(quarantine, Quarantine { rule: None, reason: QuarantineReason::Steps });
}

#[test]
fn rules_that_chase_one_another_do_not_load() {
    let said = errors(
        "[detectors.a]\npattern = 'ping'\n[detectors.b]\npattern = 'pong'\n\
         [[rule]]\nname = \"a\"\nfind = { detectors = [\"a\"] }\naction = { do = \"replace\", with = \"pong\" }\ntests = { hits = [\"ping\"], misses = [1] }\n\
         [[rule]]\nname = \"b\"\nfind = { detectors = [\"b\"] }\naction = { do = \"replace\", with = \"ping\" }\ntests = { hits = [\"pong\"], misses = [1] }\n",
    );
    assert!(
        said.contains(
            "rules.toml:9: `rule.a.tests.hits[0]`: under all rules together it never comes to rest"
        ),
        "{said}"
    );
}

#[test]
fn shadow_counts_and_changes_nothing() {
    let rules = load(&DIGITS.replace("MODE", "mode = \"shadow\""));
    let plan = rules.plan(&topic("t"));
    let mut scratch = Scratch::default();
    let message = pack(&json!(["1234", 5678, "x"]));
    assert!(matches!(plan.scrub(&message, None, &mut scratch), Verdict::Accept));
    let counts: Vec<_> =
        scratch.applied().map(|count| (count.rule, count.hits, count.shadow)).collect();
    assert_eq!(counts, [(0, 0, 2)]);
    assert_eq!((plan.rule_name(0), plan.action_name(0)), ("digits", "mask"));
    let enforced = load(&DIGITS.replace("MODE", ""));
    let verdict = enforced.plan(&topic("t")).scrub(&message, None, &mut scratch);
    assert!(matches!(verdict, Verdict::Fixed(_)));
    assert_eq!(scratch.applied().map(|count| count.hits).sum::<u32>(), 2);
    assert!(matches!(enforced.plan(&topic("t")).scrub(&[1], None, &mut scratch), Verdict::Accept));
    assert_eq!(scratch.applied().count(), 0);
}

#[test]
fn a_percentage_acts_on_about_so_many_and_always_on_the_same() {
    let rules = load(&DIGITS.replace("MODE", "mode = \"30%\""));
    let plan = rules.plan(&topic("t"));
    let mut scratch = Scratch::default();
    let mut acted = 0;
    for n in 0..2000 {
        let message = pack(&json!(format!("1234 {n:03}")));
        let fixed = matches!(plan.scrub(&message, None, &mut scratch), Verdict::Fixed(_));
        assert_eq!(fixed, matches!(plan.scrub(&message, None, &mut scratch), Verdict::Fixed(_)));
        acted += u32::from(fixed);
    }
    assert!((500..700).contains(&acted), "{acted} of 2000");
}

#[test]
fn headers_are_scrubbed_and_stay_valid() {
    let rules = load(&DIGITS.replace("MODE", ""));
    let plan = rules.plan(&topic("t"));
    let run = |headers: serde_json::Value| {
        let headers = pack(&headers);
        let verdict = plan.scrub(&[1], Some(&headers), &mut Scratch::default());
        let seen = verdict.render(ViewId::DEFAULT, &[1], Some(&headers));
        let seen = seen.map(|(_, headers)| to_json(headers.unwrap()));
        seen.ok_or(verdict)
    };
    assert_eq!(
        run(json!({ "key": "x 1234", "5678": 1 })).unwrap(),
        json!({ "key": "x ****", "****": 1 })
    );
    for broken in [json!({ "reply": "a.1234" }), json!({ "1234": 1, "5678": 1 })] {
        let Err(Verdict::Quarantine(quarantine)) = run(broken) else { panic!() };
        assert_eq!(quarantine.reason, QuarantineReason::Headers);
    }
    let by_path = load(
        "[[rule]]\nname = \"r\"\nfind = { paths = [\"$headers.note\"] }\naction = \"drop\"\n\
         tests = { hits = [{ \"$headers\" = { note = 1 } }], misses = [{ note = 1 }] }",
    );
    let headers = pack(&json!({ "note": 1, "key": "k" }));
    let verdict = by_path.plan(&topic("t")).scrub(&[1], Some(&headers), &mut Scratch::default());
    let (_, seen) = verdict.render(ViewId::DEFAULT, &[1], Some(&headers)).unwrap();
    assert_eq!(to_json(seen.unwrap()), json!({ "key": "k" }));
}

#[test]
fn a_topic_whose_name_falls_under_a_rule_takes_no_events() {
    let rules = load(&DIGITS.replace("MODE", ""));
    let plan = rules.plan(&topic("orders.1234"));
    let Verdict::Refuse(refusal) = plan.scrub(&[1], None, &mut Scratch::default()) else {
        panic!()
    };
    assert_eq!((&*refusal.rule, refusal.path.as_str()), ("digits", "$topic"));
}

#[test]
fn quarantine_shows_shapes_and_labels_and_no_values() {
    let rules = load(&format!("[budget]\nmatches = 2\n{}", DIGITS.replace("MODE", "")));
    let plan = rules.plan(&topic("t"));
    let message = json!({ "note": "canary", "can-ary": [1.5, null, true, "4444"], "x1234": { "deep": 5555 } });
    let (message, headers) = (pack(&message), pack(&json!({ "key": "6666" })));
    let mut scratch = Scratch::default();
    let Verdict::Quarantine(quarantine) = plan.scrub(&message, Some(&headers), &mut scratch) else {
        panic!()
    };
    let event = plan.quarantine_event(&quarantine, &message, Some(&headers), &scratch);
    assert_eq!(
        to_json(&event),
        json!({
            "topic": "t", "rule": null, "reason": "over the budget of matches", "bytes": message.len(),
            "labels": ["digits"],
            "payload": { "str(7)": ["float", "nil", "bool", "str(4)"], "note": "str(6)", "str(5)": { "deep": "int" } },
            "headers": { "key": "str(4)" }
        })
    );
}

#[test]
fn quarantine_shows_no_keys_of_what_a_rule_takes_out_whole() {
    let rules = load(
        "[[rule]]\nname = \"password\"\nfind = { keys = [\"password\"] }\naction = \"quarantine\"\n\
         tests = { hits = [{ password = 1 }], misses = [1] }\n\
         [[rule]]\nname = \"owner\"\nfind = { paths = [\"list.*.owner\"] }\naction = \"mask\"\n\
         tests = { hits = [{ list = [{ owner = 1 }] }], misses = [1] }\n",
    );
    let plan = rules.plan(&topic("t"));
    let message = pack(&json!({
        "list": [{ "owner": { "ann": 1 }, "size": { "big": 2 } }],
        "pass_word": { "hunter": { "two": true } },
        "other": [{ "password": [{ "swordfish": 1 }] }],
    }));
    let mut scratch = Scratch::default();
    let Verdict::Quarantine(quarantine) = plan.scrub(&message, None, &mut scratch) else {
        panic!()
    };
    let event = plan.quarantine_event(&quarantine, &message, None, &scratch);
    assert_eq!(
        to_json(&event)["payload"],
        json!({
            "list": [{ "owner": "map(1)", "size": { "big": "int" } }],
            "pass_word": "map(1)",
            "other": [{ "password": "array(1)" }],
        })
    );
}

#[test]
fn conditions_gate_rules_and_in_doubt_the_rule_applies() {
    let rules = load(
        "[[rule]]\nname = \"eu\"\ncondition = \"payload.region == 'eu' && topic.startsWith('orders.')\"\n\
         topics = [\"orders.placed\"]\nfind = { paths = [\"name\"] }\naction = \"mask\"\n\
         tests = { hits = [{ region = \"eu\", name = \"Ann\" }], misses = [{ region = \"us\", name = \"Ann\" }] }\n\
         [[rule]]\nname = \"total\"\ncondition = \"has(payload.items) && payload.items.exists(i, i.price > payload.limit)\"\n\
         action = \"reject\"\n\
         tests = { hits = [{ limit = 5, items = [{ price = 6 }] }], misses = [{ limit = 5, items = [{ price = 5 }] }] }\n",
    );
    assert_eq!(scrubbed(&rules, &json!({ "name": "Ann", "region": "us" }))["name"], "Ann");
    assert_eq!(scrubbed(&rules, &json!({ "name": "Ann", "region": "eu" }))["name"], "***");
    assert_eq!(scrubbed(&rules, &json!({ "name": "Ann" }))["name"], "***", "no region: in doubt");
    assert_eq!(
        refused(&rules, &json!({ "items": [{ "price": 1 }] })),
        ("total".into(), "$".into())
    );
}

#[test]
fn a_condition_that_would_cost_too_much_is_not_evaluated() {
    let rules = load(
        "[[rule]]\nname = \"r\"\ncondition = \"payload.exists(a, payload.exists(b, a + b == 7))\"\naction = \"reject\"\n\
         tests = { hits = [[3, 4]], misses = [[1, 2]] }\n",
    );
    let Verdict::Quarantine(quarantine) = scrub(&rules, &json!(vec![1; 5000])).0 else { panic!() };
    assert_eq!(quarantine, Quarantine { rule: Some("r".into()), reason: QuarantineReason::Steps });
    assert!(errors("[[rule]]\nname = \"r\"\ncondition = \"payload.all(a, payload.all(b, payload.all(c, a == c)))\"\naction = \"reject\"\ntests = { hits = [1], misses = [1] }")
        .contains("more than 2 loops inside one another"));
}

#[test]
fn a_schema_refuses_with_the_place_in_the_schema() {
    let rules = load(
        "[[rule]]\nname = \"order\"\nschema = '''{\"type\": \"object\", \"required\": [\"id\"], \"properties\": {\"id\": {\"type\": \"integer\"}, \"price\": {\"minimum\": 0}}}'''\n\
         tests = { hits = [{}, { id = \"x\" }, { msgpack = \"d40101\" }], misses = [{ id = 1 }] }\n",
    );
    assert_eq!(
        refused(&rules, &json!({ "id": 1, "price": -4111 })),
        ("order".into(), "/properties/price/minimum".into())
    );
    assert!(matches!(scrub(&rules, &json!({ "id": 1 })).0, Verdict::Accept));
}

/// Changes every `é` to `e`, and does not like `[1]`.
struct Accents;

impl Scrubber for Accents {
    fn name(&self) -> &str {
        "accents"
    }

    fn scrub(&self, event: &ScrubberEvent<'_>) -> ScrubberOutcome {
        match unpack(event.payload) {
            V::String(text) => {
                let text = text.as_str().unwrap();
                let flat = text.replace('é', "e");
                if flat == text {
                    ScrubberOutcome::Pass
                } else {
                    ScrubberOutcome::Replace(bytes(&V::from(flat.as_str())))
                }
            }
            V::Nil => ScrubberOutcome::Replace(vec![0xc1]),
            V::Boolean(on) => ScrubberOutcome::Replace(vec![if on { 0xc2 } else { 0xc3 }]),
            V::Array(_) => ScrubberOutcome::Hit,
            _ => ScrubberOutcome::Pass,
        }
    }
}

#[test]
fn what_a_scrubber_of_ones_own_writes_is_scrubbed_too() {
    let file = "[detectors.word]\npattern = 'cafe'\n\
        [[rule]]\nname = \"own\"\nscrubber = \"accents\"\ntests = { hits = [\"é\", [1]], misses = [\"e\"] }\n\
        [[rule]]\nname = \"word\"\nfind = { detectors = [\"word\"] }\naction = \"mask\"\ntests = { hits = [\"cafe\"], misses = [\"café\"] }\n";
    assert!(
        errors(file).contains("rules.toml:5: `rule.own.scrubber`: there is no scrubber `accents`")
    );
    let rules = RuleSet::load_with(file, "r", &TestKeys, &[Arc::new(Accents)]).unwrap();
    assert_eq!(scrubbed(&rules, &json!("un café")), "un ****");
    assert_eq!(scrubbed(&rules, &json!("un thé")), "un the");
    assert_eq!(refused(&rules, &json!([])), ("own".into(), "$".into()));
    let Verdict::Quarantine(quarantine) = scrub(&rules, &json!(null)).0 else { panic!() };
    assert_eq!(quarantine.reason, QuarantineReason::BadScrubber);
    // What it says of an event it says once, of what the publisher sent.
    assert_eq!(scrubbed(&rules, &json!(true)), false);
}

#[test]
fn a_message_that_no_rule_changes_allocates_nothing() {
    let rules = load(&format!(
        "{}[[rule]]\nname = \"s\"\nstructure = {{ max_depth = 9, duplicate_keys = \"reject\" }}\n\
         tests = {{ hits = [[[[[[[[[[[]]]]]]]]]]], misses = [1] }}\n\
         [[rule]]\nname = \"p\"\nfind = {{ paths = [\"customer.*.email\", \"**.password\"] }}\naction = \"drop\"\n\
         tests = {{ hits = [{{ password = 1 }}], misses = [1] }}\n\
         [[rule]]\nname = \"k\"\nfind = {{ keys = [\"cardNumber\"] }}\naction = \"drop\"\n\
         tests = {{ hits = [{{ card_number = 1 }}], misses = [1] }}\n",
        DIGITS.replace("MODE", "")
    ));
    let plan = rules.plan(&topic("t"));
    let message = pack(
        &json!({ "customer": [{ "name": "Ann" }, 12, -3, 4.0], "n": { "m": ["some text", null] } }),
    );
    let mut scratch = Scratch::default();
    plan.scrub(&message, None, &mut scratch);
    let info = allocation_counter::measure(|| {
        assert!(matches!(plan.scrub(&message, None, &mut scratch), Verdict::Accept));
    });
    assert_eq!(info.count_total, 0);
}

#[test]
fn a_plan_explains_itself() {
    let rules = load(&format!(
        "{}[views.all]\nroles = [\"audit\"]\nlabels = {{ digits = \"keep\" }}\n",
        DIGITS.replace("MODE", "topics = [\"orders.*\"]")
    ));
    let said = rules.plan(&topic("orders.placed")).explain();
    assert!(said.contains("0 digits → mask (enforce), detectors digits"), "{said}");
    assert!(said.contains("view all (audit): digits: keep"), "{said}");
    assert!(rules.plan(&topic("x")).explain().contains("no rule applies"));
}
