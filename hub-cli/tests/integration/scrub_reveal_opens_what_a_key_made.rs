//! The claim: `hub scrub reveal` opens tokens and sealed values with the keys of the rule file, and
//! nothing else.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::scrub_support::{RULES, SECRET_ENV, command, file, scrub};
use crate::support::Process;
use serde_json::{Value, json};

/// What the rules make of a value under `ssn`.
fn sealed(path: &str, value: &Value) -> String {
    let message = json!({ "ssn": value }).to_string();
    let ended = scrub(&["run", path, "--topic", "a", "--json"], message.as_bytes());
    let shown: Value = serde_json::from_str(ended.text().lines().next().unwrap()).unwrap();
    let mark = shown["views"]["default"]["payload"]["ssn"].as_str();
    mark.unwrap_or_else(|| panic!("{shown}")).to_owned()
}

#[test]
fn a_value_comes_back_as_it_was() {
    let path = file("reveal.toml", RULES);
    let path = path.to_str().unwrap();
    for value in [json!("536-90-4399"), json!(536904399), json!([1, { "a": true }])] {
        let mark = sealed(path, &value);
        assert!(mark.starts_with("<sealed:crm-1:"), "{mark}");
        let ended = scrub(&["reveal", path, &mark, "--json"], b"");
        let said: Value = serde_json::from_str(ended.text()).unwrap();
        assert_eq!((ended.code(), &said["mark"], &said["value"]), (Some(0), &json!(mark), &value));
    }
    let marks = ["one", "two"].map(|text| sealed(path, &json!(text)));
    let ended = scrub(&["reveal", path], marks.join("\n").as_bytes());
    assert_eq!((ended.code(), ended.text()), (Some(0), "one\ntwo\n"));
}

#[test]
fn without_the_key_nothing_opens() {
    let path = file("reveal_other.toml", RULES);
    let path = path.to_str().unwrap();
    let mark = sealed(path, &json!("536-90-4399"));
    let mut other = command(&["reveal", path, &mark]);
    other.env(SECRET_ENV, "another secret of thirty-two bytes");
    let ended = Process::spawn("hub scrub reveal", other).end();
    assert_eq!((ended.code(), ended.text()), (Some(2), ""));
    assert!(ended.stderr.contains("not opened"), "{}", ended.stderr);

    let ended = scrub(&["reveal", path, "536-90-4399", "<sealed:crm-1:AAAA>", "--json"], b"");
    assert_eq!(ended.code(), Some(2));
    let values = ended.text().lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    assert!(values.map(|said| said["value"].clone()).all(|value| value.is_null()));
}
