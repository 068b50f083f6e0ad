//! Claim: a rule file loads only if all in it is right and its own tests pass; otherwise every
//! fault is said with file, line and key.

#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::scrub_common;
use scrub_common::*;

const GOOD: &str = r#"
[[rule]]
name = "mail"
topics = ["orders.*"]
find = { paths = ["customer.email"] }
action = "mask"
tests = { hits = [{ customer = { email = "a@b.example" } }], misses = [{ customer = {} }] }
"#;

fn fault(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "the test is wrong: {from}");
    errors(&GOOD.replace(from, to))
}

#[test]
fn a_good_file_loads() {
    let rules = load(GOOD);
    assert_eq!(rules.rules().collect::<Vec<_>>(), [("mail", "mail")]);
    assert!(rules.plan(&topic("shipments.sent")).is_empty());
}

#[test]
fn a_file_that_is_cut_off_does_not_switch_the_scrub_off() {
    for text in ["", "\n# rules\n", "[budget]\nsteps = 10\n", "[detectors.x]\npattern = 'x'\n"] {
        let said = errors(text);
        assert_eq!(
            said,
            "rules.toml:1: `rule`: there is no rule and no pack; a hub without rules names no rule file"
        );
    }
}

#[test]
fn a_fault_of_syntax_or_type_is_said_with_line_and_key() {
    let said = fault("topics = [\"orders.*\"]", "topics = \"orders.*\"");
    assert!(said.starts_with("rules.toml:4: `topics`: "), "{said}");
    let said = fault("action = \"mask\"", "acton = \"mask\"");
    assert!(said.starts_with("rules.toml:6: `acton`: unknown field `acton`"), "{said}");
    let said = fault("\"mask\"", "\"msk\"");
    assert!(said.starts_with("rules.toml:6: `action`: unknown variant `msk`"), "{said}");
    let said = fault("\"mask\"", "{ do = \"mask\", lenght = 3 }");
    assert!(said.starts_with("rules.toml:6: `action`: unknown field `lenght`"), "{said}");
    let said = fault("\"mask\"", "\"mask");
    assert!(said.starts_with("rules.toml:6: `action`: "), "{said}");
}

#[test]
fn a_fault_of_meaning_is_said_with_line_and_key() {
    for (from, to, said) in [
        (
            "orders.*",
            "orders.*x",
            "rules.toml:4: `rule.mail.topics`: '*' at byte 7 stands where no wildcard can",
        ),
        (
            "\"customer.email\"",
            "\"customer..email\"",
            "rules.toml:5: `rule.mail.find.paths`: empty segment at byte 9; a dot that belongs to a key is written `\\.`",
        ),
        (
            "find = { paths = [\"customer.email\"] }",
            "find = { detectors = [\"nosuch\"] }",
            "rules.toml:5: `rule.mail.find.detectors`: there is no detector `nosuch`",
        ),
        (
            "find = { paths = [\"customer.email\"] }",
            "find = { detectors = [\"e_mail\"] }",
            "rules.toml:5: `rule.mail.find.detectors`: there is no detector `e_mail`; did you mean `email`?",
        ),
        (
            "find = { paths = [\"customer.email\"] }",
            "find = { named = [\"secert\"] }",
            "rules.toml:5: `rule.mail.find.named`: there is no kind of content `secert`; did you mean `secret` or `secrets`?",
        ),
        (
            "find = { paths = [\"customer.email\"] }\naction = \"mask\"",
            "find = { detectors = [\"email\"] }\naction = \"keep\"",
            "rules.toml:6: `rule.mail.action`: `keep` is for views; a rule does something",
        ),
        (
            "find = { paths",
            "find = { confidence = \"possible\", paths",
            "rules.toml:5: `rule.mail.find.confidence`: is about what detectors find, and the rule names no detector",
        ),
        (
            "find = { paths = [\"customer.email\"] }",
            "find = {}",
            "rules.toml:5: `rule.mail.find`: says nothing: no path, key, kind of content, type or detector",
        ),
        (
            "\"mask\"",
            "{ do = \"hash\", key = \"crm\" }",
            "rules.toml:6: `rule.mail.action`: there is no key `crm` under `[keys]`",
        ),
        (
            "\"mask\"",
            "{ do = \"keep_last\", n = 0 }",
            "rules.toml:6: `rule.mail.action`: `n` is 0, it must be from 1 to 256",
        ),
        (
            "\"mask\"",
            "\"keep\"",
            "rules.toml:6: `rule.mail.action`: `keep` is for views; a rule does something",
        ),
        ("action = \"mask\"", "", "rules.toml:2: `rule.mail.action`: is missing"),
        (
            "action",
            "mode = \"100%\"\naction",
            "rules.toml:6: `rule.mail.mode`: must be \"shadow\", \"enforce\", or \"1%\" to \"99%\"",
        ),
        ("action", "condition = \"payload.x >\"\naction", "rules.toml:6: `rule.mail.condition`: "),
        (
            "action",
            "condition = \"playload.x\"\naction",
            "rules.toml:6: `rule.mail.condition`: there is no `playload`; there are `payload`, `headers` and `topic`",
        ),
        (
            "action",
            "condition = \"sise(payload) > 1\"\naction",
            "rules.toml:6: `rule.mail.condition`: there is no function `sise`",
        ),
        (
            "find = { paths = [\"customer.email\"] }\naction = \"mask\"",
            "schema = { type = \"objekt\" }",
            "rules.toml:5: `rule.mail.schema`: ",
        ),
        (
            "find = { paths = [\"customer.email\"] }",
            "scrubber = \"mine\"",
            "rules.toml:6: `rule.mail.action`: can only reject, quarantine or disconnect",
        ),
    ] {
        let have = fault(from, to);
        assert!(have.lines().any(|line| line.starts_with(said)), "{to}:\nhave {have}\nwant {said}");
    }
}

#[test]
fn all_faults_are_said_at_once() {
    let said = errors(&format!("{GOOD}{}", GOOD.replace("mask", "keep")));
    assert_eq!(said.lines().count(), 2, "{said}");
    assert!(said.contains("rules.toml:10: `rule.name`: `mail` is there twice"), "{said}");
}

#[test]
fn a_rule_without_tests_or_with_one_that_fails_does_not_load() {
    let said = fault("tests", "#");
    assert_eq!(said, "rules.toml:2: `rule.mail.tests`: a rule without tests does not load");
    let said = fault("misses = [{ customer = {} }]", "misses = []");
    assert_eq!(
        said,
        "rules.toml:7: `rule.mail.tests.misses`: a rule has at least one test in `misses`"
    );
    let said = fault("{ customer = {} }", "{ customer = {} }, { customer = { email = 1 } }");
    assert_eq!(
        said,
        "rules.toml:7: `rule.mail.tests.misses[1]`: the rule applies to it, but should not"
    );
    let said = fault("hits = [", "hits = [{ mail = 1 }, ");
    assert_eq!(said, "rules.toml:7: `rule.mail.tests.hits[0]`: the rule does not apply to it");
    let said = fault("hits = [", "hits = [{ msgpack = \"c1\" }, ");
    assert!(said.contains("`msgpack`: marker 0xc1 is not MessagePack"), "{said}");
}

#[test]
fn tests_can_say_bytes_that_toml_has_no_word_for() {
    let rules = GOOD.replace(
        "hits = [",
        "hits = [{ msgpack = \"81 a8 637573746f6d6572 81 a5 656d61696c c4 01 ff\" }, ",
    );
    load(&rules);
}

#[test]
fn views_name_labels_that_are_there_and_actions_that_views_can_do() {
    let view = |labels: &str| {
        format!("{GOOD}\n[views.billing]\nroles = [\"billing\"]\nlabels = {{ {labels} }}\n")
    };
    load(&view("mail = \"keep\""));
    assert_eq!(
        errors(&view("post = \"keep\"")),
        "rules.toml:11: `views.billing.labels.post`: there is no label `post`; there are mail"
    );
    assert_eq!(
        errors(&view("mail = \"reject\"")),
        "rules.toml:11: `views.billing.labels.mail`: a view cannot do `reject`"
    );
    let rejecting = view("mail = \"keep\"").replace("\"mask\"", "\"reject\"");
    assert_eq!(
        errors(&rejecting),
        "rules.toml:11: `views.billing.labels.mail`: the rule `mail` does `reject`, which is the same for all views"
    );
    let twice = format!("{}[views.x]\nroles = [\"billing\"]\n", view(""));
    assert_eq!(
        errors(&twice),
        "rules.toml:13: `views.x.roles`: the role `billing` has another view already"
    );
}

#[test]
fn secrets_are_long_enough_and_never_shown() {
    let key = |from: &str| format!("{GOOD}\n[[keys.crm]]\nversion = 1\n{from}\n");
    load(&key("env = \"FIRST\""));
    assert_eq!(
        errors(&key("env = \"SHORT\"")),
        "rules.toml:9: `keys.crm`: the secret is shorter than 32 bytes"
    );
    assert_eq!(
        errors(&key("env = \"NONE\"")),
        "rules.toml:9: `keys.crm`: there is no such variable"
    );
    assert_eq!(errors(&key("")), "rules.toml:9: `keys.crm`: say either `env` or `file`");
}

#[test]
fn a_pack_is_a_name_with_topics_and_a_mode() {
    let rules = load("[[pack]]\nname = \"secrets\"\ntopics = [\"orders.*\"]\n");
    assert_eq!(rules.rules().next(), Some(("secrets/named", "secret")));
    let seen = scrubbed(&rules, &serde_json::json!({ "user": "ann", "Pass-Word": "x" }));
    assert_eq!(seen, serde_json::json!({ "user": "ann", "Pass-Word": "***" }));
    assert!(rules.plan(&topic("users.changed")).is_empty());
    let said = errors("[[pack]]\nname = \"nosuch\"\n");
    assert!(
        said.starts_with("rules.toml:2: `pack.name`: there is no pack `nosuch`; there are "),
        "{said}"
    );
    let said = errors("[[pack]]\nname = \"secrets\"\nmode = \"off\"\n");
    assert!(said.starts_with("rules.toml:3: `rule.secrets/named.mode`: must be"), "{said}");
}
