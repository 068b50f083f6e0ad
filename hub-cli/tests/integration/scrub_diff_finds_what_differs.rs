//! The claim: `hub scrub diff` names exactly the messages of which two rule files make different
//! things, for anyone or for one view, and how they differ.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::scrub_support::{RULES, file, scrub};
use crate::support::Ended;
use serde_json::{Value, json};

const INPUT: &[u8] = b"{\"id\":1}\n\
    {\"id\":2,\"email\":\"ann@mail.example\"}\n\
    {\"id\":3,\"pin\":\"1234\",\"note\":\"hi\"}\n\
    {\"id\":4,\"test\":true}\n\
    {\"id\":5,\"ssn\":\"078-05-1120\"}\n";

/// Runs diff between [`RULES`] and a changed copy; `name` is the test's own.
fn diff(name: &str, new: &str, args: &[&str]) -> Ended {
    let old = file(&format!("{name}_old.toml"), RULES);
    let new = file(&format!("{name}_new.toml"), new);
    let files = ["diff", old.to_str().unwrap(), new.to_str().unwrap()];
    let ended = scrub(&[&files, args].concat(), INPUT);
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    ended
}

/// [`RULES`] with one thing changed.
fn changed(from: &str, to: &str) -> String {
    assert_eq!(RULES.matches(from).count(), 1, "{from}");
    RULES.replacen(from, to, 1)
}

fn numbers(said: &[Value]) -> Vec<u64> {
    said.iter().filter_map(|line| line["message"].as_u64()).collect()
}

#[test]
fn a_file_does_not_differ_from_itself_though_seals_do() {
    let ended = diff("diff_same", RULES, &[]);
    assert_eq!(ended.text(), "0 of 5 messages differ\n");
}

#[test]
fn a_seal_differs_if_its_content_does() {
    // The e-mail is taken away from what is sealed in one file, and sealed in the other.
    let sealed = changed(
        "action = { do = \"replace\", with = \"(e-mail)\" }",
        "action = { do = \"encrypt\", key = \"crm\" }",
    );
    let said = diff("diff_seal", &sealed, &["--json"]).json_lines();
    assert_eq!(numbers(&said), [2]);
    let seen = &said[0]["views"]["default"];
    assert_eq!(seen["old"]["payload"]["email"], "(e-mail)");
    assert!(seen["new"]["payload"]["email"].as_str().unwrap().starts_with("<sealed:crm-1:"));
    assert_eq!(said[0]["views"].get("billing"), None);
}

#[test]
fn people_see_both_and_which_rules_applied() {
    let new = changed(
        "find = { paths = [\"test\"] }\naction = \"reject\"",
        "mode = \"shadow\"\nfind = { paths = [\"test\"] }\naction = \"reject\"",
    );
    let new = new.replace("{ do = \"keep_last\", n = 2 }", "{ do = \"keep_last\", n = 1 }");
    let ended = diff("diff_text", &new, &["--topic", "orders.placed"]);
    let expected = r#"message 3 on orders.placed: fixed, differently
  rules      pin → mask: 1 find
  came       {"id":3,"pin":"1234","note":"hi"}
  billing  - {"id":3,"pin":"**34","note":"hi"}
           + {"id":3,"pin":"***4","note":"hi"}

message 4 on orders.placed: refused by test order at test (rejected) → accepted
  rules  - test order → reject: 1 find
         + test order → reject: 1 find in shadow
  came     {"id":4,"test":true}

2 of 5 messages differ
  old      new       messages
  fixed    fixed            1
  refused  accepted         1

  rule        messages  finds in OLD  finds in NEW
  pin                1             1             1
  test order         1             1             0
"#;
    assert_eq!(ended.text(), expected);
    let ended = diff("diff_text", &new, &["--show", "1"]);
    assert!(ended.text().contains("message 3 ") && !ended.text().contains("message 4 "));
    assert!(ended.text().contains("\n1 more not shown"), "{}", ended.text());
    assert!(ended.text().contains("\n2 of 5 messages differ\n"), "{}", ended.text());
    // The default view shows no part of the PIN in either file.
    let said = diff("diff_text", &new, &["--view", "default", "--json"]).json_lines();
    assert_eq!(numbers(&said), [4]);
    let said = diff("diff_text", &new, &["--role", "accounts", "--json"]).json_lines();
    assert_eq!(numbers(&said), [3, 4]);
    let said = diff("diff_text", &new, &["--show", "0", "--json"]).json_lines();
    assert_eq!(
        said,
        [json!({ "summary": {
            "messages": 5,
            "differ": 2,
            "outcomes": [
                { "old": "fixed", "new": "fixed", "messages": 1 },
                { "old": "refused", "new": "accepted", "messages": 1 },
            ],
            "rules": [
                { "rule": "pin", "messages": 1, "old_finds": 1, "new_finds": 1 },
                { "rule": "test order", "messages": 1, "old_finds": 1, "new_finds": 0 },
            ],
        } })]
    );
}

#[test]
fn a_role_that_moves_to_another_view_is_a_difference() {
    let new = changed("[\"billing\", \"accounts\"]", "[\"billing\"]");
    let said = diff("diff_role", &new, &["--json"]).json_lines();
    assert_eq!(numbers(&said), [2, 3]);
    let seen = &said[0]["views"]["role accounts (billing → default)"];
    assert_eq!(seen["old"]["payload"]["email"], "ann@mail.example");
    assert_eq!(seen["new"]["payload"]["email"], "(e-mail)");
    assert_eq!(said[0]["views"].as_object().unwrap().len(), 1);
    let said = diff("diff_role", &new, &["--json", "--role", "billing"]).json_lines();
    assert_eq!(numbers(&said), [0; 0]);
}

#[test]
fn a_rule_that_one_file_lacks_is_told() {
    let (before, rest) = RULES.split_once("[[rule]]\nname = \"e-mail\"").unwrap();
    let (_, after) = rest.split_once("[[rule]]").unwrap();
    let new = format!("{before}[[rule]]{after}").replace("contact = \"keep\", ", "");
    let said = diff("diff_lack", &new, &["--json"]).json_lines();
    assert_eq!(numbers(&said), [2]);
    assert_eq!(
        (&said[0]["old"]["outcome"], &said[0]["new"]["outcome"]),
        (&json!("fixed"), &json!("accepted"))
    );
    let old = json!({ "action": "replace", "label": "contact", "finds": 1, "shadow": 0 });
    assert_eq!(said[0]["rules"], json!([{ "rule": "e-mail", "old": old, "new": null }]));
    assert_eq!(said[1]["summary"]["rules"][0]["rule"], "e-mail");
}

#[test]
fn the_faults_of_both_files_are_told() {
    let old = file("diff_bad_old.toml", "[[rule]]\nname = \"x\"\n");
    let new = file("diff_bad_new.toml", "\nnonsense = 1\n");
    let (old, new) = (old.to_str().unwrap(), new.to_str().unwrap());
    let ended = scrub(&["diff", old, new], INPUT);
    assert_eq!((ended.code(), ended.text()), (Some(2), ""));
    assert!(ended.stderr.contains(&format!("{old}:1: `rule.x`: ")), "{}", ended.stderr);
    assert!(ended.stderr.contains(&format!("{new}:2: `nonsense`: ")), "{}", ended.stderr);
}
