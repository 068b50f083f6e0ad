//! Claim: a `schema` rule decides on a MessagePack payload as the crate `jsonschema` decides on
//! the same value in JSON. The values and schemas are those of the public test suite, draft
//! 2020-12. What is not as the suite wants it is listed here and explained in `docs/scrub.md`.

#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::scrub_common;
use hub_scrub::{RuleSet, Verdict};
use scrub_common::*;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

#[derive(Deserialize)]
struct Group {
    description: String,
    schema: Value,
    tests: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    description: String,
    data: Value,
    valid: bool,
}

fn suite() -> Vec<(String, Vec<Group>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/integration/json_schema_suite/draft2020-12");
    let mut files: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap())
        })
        .collect();
    files.sort_by(|a: &(String, _), b| a.0.cmp(&b.0));
    files
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// The schema as a rule. What has no JSON is a hit for each schema. Where the suite has no value
/// that the schema accepts, a condition makes one that the rule does not apply to.
fn rules(group: &Group) -> Result<RuleSet, String> {
    let valid = group.tests.iter().find(|case| case.valid);
    let (condition, miss) = match valid {
        Some(case) => ("", pack(&case.data)),
        None => (
            "condition = '!has(payload.unchecked)'\n",
            pack(&serde_json::json!({ "unchecked": 1 })),
        ),
    };
    let schema = toml::Value::String(group.schema.to_string());
    let text = format!(
        "[[rule]]\nname = \"schema\"\nschema = {schema}\n{condition}\
         tests = {{ hits = [{{ msgpack = \"d40500\" }}], misses = [{{ msgpack = \"{}\" }}] }}\n",
        hex(&miss)
    );
    RuleSet::load(&text, "rules.toml", &TestKeys).map_err(|errors| errors.to_string())
}

fn accepts(rules: &RuleSet, data: &Value) -> bool {
    match scrub(rules, data).0 {
        Verdict::Accept => true,
        Verdict::Refuse(_) => false,
        other => panic!("{other:?}"),
    }
}

/// Groups whose schema names another document, which neither fetches: the rule file is refused.
const NOT_FETCHED: &[&str] = &[
    "dynamicRef: $ref and $dynamicAnchor are independent of order - $defs first",
    "dynamicRef: $ref and $dynamicAnchor are independent of order - $ref first",
    "dynamicRef: $ref to $dynamicRef finds detached $dynamicAnchor",
    "dynamicRef: strict-tree schema, guards against misspelled properties",
    "dynamicRef: tests for implementation dynamic anchor and reference link",
    "refRemote: $ref to $ref finds detached $anchor",
    "refRemote: Location-independent identifier in remote ref",
    "refRemote: anchor within remote ref",
    "refRemote: base URI change",
    "refRemote: base URI change - change folder",
    "refRemote: base URI change - change folder in subschema",
    "refRemote: fragment within remote ref",
    "refRemote: ref within remote ref",
    "refRemote: remote HTTP ref with different $id",
    "refRemote: remote HTTP ref with different URN $id",
    "refRemote: remote HTTP ref with nested absolute ref",
    "refRemote: remote ref",
    "refRemote: remote ref with ref to defs",
    "refRemote: retrieved nested refs resolve relative to their URI not $id",
    "refRemote: root ref in remote ref",
];

/// What crate and rule accept or refuse otherwise than the suite: a metaschema that switches
/// keywords off is not read.
const NOT_AS_THE_SUITE: &[&str] = &[
    "vocabulary: schema that uses custom metaschema with with no validation vocabulary: no validation: invalid number, but it still validates",
];

#[test]
fn a_schema_rule_decides_as_the_crate_does_on_json() {
    let (mut cases, mut not_loaded, mut different, mut not_as_the_suite) =
        (0, BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (file, groups) in suite() {
        for group in &groups {
            let name = format!("{file}: {}", group.description);
            let crate_says = jsonschema::draft202012::new(&group.schema);
            let (validator, rules) = match (crate_says, rules(group)) {
                (Ok(validator), Ok(rules)) => (validator, rules),
                (Err(_), Err(said)) => {
                    assert!(said.contains("localhost:1234"), "{name}: {said}");
                    not_loaded.insert(name);
                    continue;
                }
                (json, rules) => {
                    different.insert(format!("{name}: {:?}, {:?}", json.err(), rules.err()));
                    continue;
                }
            };
            for case in &group.tests {
                cases += 1;
                let name = format!("{name}: {}", case.description);
                let (ours, theirs) = (accepts(&rules, &case.data), validator.is_valid(&case.data));
                if ours != theirs {
                    different.insert(name.clone());
                }
                if ours != case.valid {
                    not_as_the_suite.insert(name);
                }
            }
        }
    }
    assert_eq!(different, BTreeSet::new());
    let listed = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(not_loaded, listed(NOT_FETCHED));
    assert_eq!(not_as_the_suite, listed(NOT_AS_THE_SUITE));
    assert!(cases > 1100, "{cases} cases");
    println!("{cases} cases");
}
