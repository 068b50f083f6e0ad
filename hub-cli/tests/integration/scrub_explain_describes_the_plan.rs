//! The claim: `hub scrub explain --json` says everything that a topic's plan does, in the order in
//! which it is done, under the names that a rule file has for it.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::scrub_support::{file, scrub};
use serde_json::{Value, json};

const RULES: &str = r#"
[budget]
steps = 5000

[[keys.crm]]
version = 1
env = "HUB_TEST_SCRUB_KEY"

[detectors.order-number]
pattern = 'SO-[0-9]{6}'
literals = ["SO-"]

[detectors.voucher]
pattern = '\bV[0-9]{4}\b'
near = { words = ["voucher"], within = 20 }

[[rule]]
name = "number"
topics = ["orders.**"]
find = { paths = ["items.*.note", "$headers.ref", 'a\.b'], keys = ["No-Te"], types = ["str"], detectors = ["order-number", "card"], in = ["values", "headers"] }
action = { do = "hash", key = "crm" }
mode = "25%"
tests = { hits = [{ items = [{ note = "SO-123456" }] }], misses = [1] }

[[rule]]
name = "gift"
label = "voucher"
find = { detectors = ["voucher", "card"] }
action = { do = "mask", length = 3 }
tests = { hits = ["voucher V1234"], misses = ["V1234"] }

[[rule]]
name = "sevens"
topics = ["orders.**"]
condition = "payload == 7"
action = "reject"
tests = { hits = [7], misses = [8] }

[[rule]]
name = "shape"
structure = { max_depth = 3, duplicate_keys = "reject" }
mode = "shadow"
tests = { hits = [[[[[]]]]], misses = [8] }

[[rule]]
name = "elsewhere"
topics = ["users.**"]
find = { keys = ["x"] }
action = "drop"
tests = { hits = [{ x = 1 }], misses = [8] }

[views.billing]
roles = ["billing", "accounts"]
labels = { voucher = { do = "keep_last", n = 4 } }
"#;

fn described(topic: &str) -> Value {
    let path = file(&format!("described_{topic}.toml"), RULES);
    let ended = scrub(&["explain", path.to_str().unwrap(), topic, "--json"], b"");
    assert_eq!((ended.code(), &*ended.stderr), (Some(0), ""));
    serde_json::from_str(ended.text()).unwrap()
}

#[test]
fn rules_come_in_the_order_in_which_they_are_asked() {
    let plan = described("orders.placed");
    assert_eq!(plan["topic"], "orders.placed");
    assert_eq!(plan["refused_by"], Value::Null);
    assert_eq!(plan["budget"], json!({ "steps": 5000, "bytes": 16_777_216, "matches": 10_000 }));
    let rules = json!([
        {
            "number": 2, "rule": "sevens", "label": "sevens", "mode": "enforce",
            "stage": "message", "condition": true, "action": { "do": "reject" },
        },
        {
            "number": 0, "rule": "number", "label": "number", "mode": "25%", "stage": "values",
            "condition": false,
            "find": {
                "paths": ["items.*.note", "$headers.ref", "a\\.b"],
                "keys": ["note"],
                "named": [], "types": ["str"],
                "detectors": ["order-number", "card"],
                "in": ["values", "headers"],
            },
            "action": { "do": "hash", "key": "crm" },
        },
        {
            "number": 1, "rule": "gift", "label": "voucher", "mode": "enforce",
            "stage": "values", "condition": false,
            "find": {
                "paths": [], "keys": [], "named": [], "types": [], "detectors": ["voucher", "card"],
                "in": ["values", "keys", "headers"],
            },
            "action": { "do": "mask", "with": "*", "length": 3 },
        },
        {
            "number": 3, "rule": "shape", "label": "shape", "mode": "shadow", "stage": "values",
            "condition": false, "structure": { "max_depth": 3, "duplicate_keys": "reject" },
            "action": { "do": "reject" },
        },
    ]);
    assert_eq!(plan["rules"], rules);
}

#[test]
fn each_detector_says_where_it_looks_and_for_which_rules() {
    let plan = described("orders.placed");
    let detectors = plan["detectors"].as_array().unwrap();
    let of = |name: &str| {
        detectors.iter().find(|one| one["detector"] == name).unwrap_or_else(|| panic!("{name}"))
    };
    assert_eq!(detectors.len(), 3);
    let number = json!({
        "detector": "order-number", "rules": ["number"], "confidence": "likely", "pattern": "SO-[0-9]{6}",
        "prefilter": "literals", "literals": ["SO-"], "check": null, "near": null,
    });
    assert_eq!(of("order-number"), &number);
    let voucher = json!({
        "detector": "voucher", "rules": ["gift"], "confidence": "likely", "pattern": "\\bV[0-9]{4}\\b",
        "prefilter": "none", "literals": [], "check": null,
        "near": { "words": ["voucher"], "within": 20, "required": true },
    });
    assert_eq!(of("voucher"), &voucher);
    let card = of("card");
    assert_eq!((&card["built_in"], &card["prefilter"]), (&json!("card"), &json!("digits")));
    assert_eq!(card["rules"], json!(["number", "gift"]));
    assert!(card["near"]["words"].as_array().unwrap().contains(&json!("visa")));
}

#[test]
fn each_view_says_what_it_does_by_rule() {
    let plan = described("orders.placed");
    let masked = json!({ "do": "mask", "with": "*", "length": 3 });
    let hashed = json!({ "do": "hash", "key": "crm" });
    let reject = json!({ "do": "reject" });
    let actions =
        |gift: &Value| json!({ "number": hashed, "gift": gift, "sevens": reject, "shape": reject });
    let last = json!({ "do": "keep_last", "n": 4 });
    let views = json!([
        { "view": "default", "roles": [], "actions": actions(&masked) },
        { "view": "billing", "roles": ["billing", "accounts"], "actions": actions(&last) },
    ]);
    assert_eq!(plan["views"], views);
}

#[test]
fn a_topic_without_rules_and_one_that_a_rule_refuses_are_described_too() {
    let path = file("described_none.toml", "[[pack]]\nname = \"pci\"\ntopics = [\"cards.**\"]");
    let ended = scrub(&["explain", path.to_str().unwrap(), "t", "--json"], b"");
    let plan: Value = serde_json::from_str(ended.text()).unwrap();
    assert_eq!((&plan["rules"], &plan["detectors"]), (&json!([]), &json!([])));

    let path = file("described_pack.toml", "[[pack]]\nname = \"pci\"");
    let topic = "cards.4111111111111111";
    let ended = scrub(&["explain", path.to_str().unwrap(), topic, "--json"], b"");
    let plan: Value = serde_json::from_str(ended.text()).unwrap();
    assert_eq!(plan["refused_by"], "pci/card");
}
