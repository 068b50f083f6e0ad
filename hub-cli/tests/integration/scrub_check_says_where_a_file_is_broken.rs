//! The claim: `hub scrub check` accepts a file only if its rules pass their own tests, and says of
//! each fault in which line and under which key it is, without secrets and without the tests'
//! values.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::scrub_support::{RULES, SECRET_ENV, command, file, scrub};
use crate::support::Process;
use serde_json::json;

/// Occurs in rule files below, and nowhere in what is said about them.
const CANARY: &str = "CANARY-7f3a";

#[test]
fn a_good_file_is_ok_and_its_rules_and_views_are_listed() {
    let path = file("check_good.toml", RULES);
    let ended = scrub(&["check", path.to_str().unwrap()], b"");
    assert_eq!((ended.code(), &*ended.stderr), (Some(0), ""));
    let lines: Vec<_> = ended.text().lines().collect();
    assert_eq!(lines[..3], ["ok", "", "views: default, billing"]);
    assert_eq!(lines[4..6], ["  rule        label", "  e-mail      contact"]);

    let ended = scrub(&["check", path.to_str().unwrap(), "--json"], b"");
    let said = &ended.json_lines()[0];
    assert_eq!((&said["ok"], &said["views"]), (&json!(true), &json!(["default", "billing"])));
    assert_eq!(said["rules"][0], json!({ "rule": "e-mail", "label": "contact" }));
    assert_eq!(said["rules"].as_array().unwrap().len(), 7);
}

#[test]
fn each_fault_is_told_with_file_line_and_key() {
    let text = format!(
        "[[rule]]\nname = \"a\"\nfind = {{ keys = [\"k\"] }}\naction = \"mask\"\n\
         tests = {{ hits = [\"{CANARY}\"], misses = [1] }}\n\n\
         [[rule]]\nname = \"b\"\nfind = {{ keys = [\"k\"] }}\naction = \"mask\"\n\
         tests = {{ hits = [{{ k = 1 }}], misses = [{{ k = \"{CANARY}\" }}] }}\n"
    );
    let path = file("check_faults.toml", &text);
    let path = path.to_str().unwrap();
    let ended = scrub(&["check", path], b"");
    assert_eq!((ended.code(), ended.text()), (Some(2), ""));
    let said: Vec<_> = ended.stderr.lines().collect();
    assert_eq!(said.len(), 2, "{said:#?}");
    assert!(said[0].starts_with(&format!("{path}:5: `rule.a.tests.hits[0]`: ")), "{}", said[0]);
    assert!(said[1].starts_with(&format!("{path}:11: `rule.b.tests.misses[0]`: ")), "{}", said[1]);
    assert!(!ended.stderr.contains(CANARY), "{}", ended.stderr);

    let ended = scrub(&["check", path, "--json"], b"");
    assert_eq!((ended.code(), &*ended.stderr), (Some(2), ""));
    let said = &ended.json_lines()[0];
    assert_eq!(said["ok"], false);
    assert_eq!(said["errors"][1]["file"], path);
    assert_eq!(said["errors"][1]["line"], 11);
    assert_eq!(said["errors"][1]["key"], "rule.b.tests.misses[0]");
    assert!(!ended.text().contains(CANARY), "{}", ended.text());
}

#[test]
fn a_secret_that_is_missing_is_named_and_one_that_is_too_short_is_not_shown() {
    let path = file("check_secret.toml", RULES);
    for tool in ["check", "run", "explain", "diff"] {
        let path = path.to_str().unwrap();
        let more: &[&str] = match tool {
            "explain" => &["a"],
            "diff" => &[path],
            _ => &[],
        };
        let args = [&[tool, path], more].concat();
        let mut missing = command(&args);
        missing.env_remove(SECRET_ENV);
        let ended = Process::spawn("no secret", missing).end();
        assert_eq!((ended.code(), ended.text()), (Some(2), ""), "{tool}");
        let place = format!("{path}:2: `keys.crm`: ");
        assert!(ended.stderr.starts_with(&place), "{}", ended.stderr);
        assert!(ended.stderr.contains(SECRET_ENV), "{}", ended.stderr);

        let mut short = command(&args);
        short.env(SECRET_ENV, CANARY);
        let ended = Process::spawn("short secret", short).end();
        assert_eq!(ended.code(), Some(2));
        assert!(ended.stderr.starts_with(&place), "{}", ended.stderr);
        assert!(!ended.stderr.contains(CANARY), "{}", ended.stderr);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let nowhere = format!("{}/no/such/file.toml", env!("CARGO_TARGET_TMPDIR"));
    let ended = scrub(&["check", &nowhere], b"");
    assert_eq!(ended.code(), Some(2));
    assert!(ended.stderr.starts_with(&format!("error: cannot read {nowhere}: ")), "{ended:?}");
    let ended = scrub(&["check", &nowhere, "--json"], b"");
    assert_eq!((ended.code(), &ended.json_lines()[0]["ok"]), (Some(2), &json!(false)));
    assert_eq!(ended.json_lines()[0]["errors"][0]["file"], nowhere);
}

/// Before, the commands read whatever the path led to until memory was gone.
#[test]
fn a_file_that_is_too_large_for_a_hub_is_not_read_to_its_end() {
    let large = file("check_large.toml", &"# x\n".repeat(1_100_000));
    for path in [large.to_str().unwrap(), "/dev/zero"] {
        for tool in ["check", "run", "explain", "diff"] {
            let more: &[&str] = match tool {
                "explain" => &["a"],
                "diff" => &[path],
                _ => &[],
            };
            let ended = scrub(&[&[tool, path], more].concat(), b"");
            assert_eq!((ended.code(), ended.text()), (Some(2), ""), "{tool}");
            assert!(ended.stderr.contains("`max_file_bytes`"), "{tool}: {}", ended.stderr);
        }
    }
    std::fs::remove_file(large).unwrap();
}

#[test]
fn a_rule_file_may_come_through_a_pipe() {
    let ended = scrub(&["explain", "/dev/stdin", "other"], b"[[pack]]\nname = \"pci\"\n");
    assert_eq!((ended.code(), &*ended.stderr), (Some(0), ""));
}

#[test]
fn a_plan_is_explained_in_its_order_and_only_with_rules_of_the_topic() {
    let text = "[[rule]]\nname = \"mine\"\ntopics = [\"orders.**\"]\nfind = { keys = [\"k\"] }\n\
                action = \"mask\"\ntests = { hits = [{ k = 1 }], misses = [1] }\n\n\
                [[rule]]\nname = \"whole\"\ntopics = [\"orders.**\"]\ncondition = \"payload == 7\"\n\
                action = \"reject\"\ntests = { hits = [7], misses = [8] }\n\n\
                [[rule]]\nname = \"theirs\"\ntopics = [\"users\"]\nfind = { keys = [\"k\"] }\n\
                action = \"drop\"\ntests = { hits = [{ k = 1 }], misses = [1] }\n";
    let path = file("explain.toml", text);
    let path = path.to_str().unwrap();
    let ended = scrub(&["explain", path, "orders.placed"], b"");
    assert_eq!((ended.code(), &*ended.stderr), (Some(0), ""));
    let place = |rule: &str| ended.text().find(rule);
    assert!(ended.text().starts_with("topic orders.placed\n"), "{}", ended.text());
    assert!(place("whole → reject").unwrap() < place("mine → mask").unwrap(), "{}", ended.text());
    assert_eq!(place("theirs"), None);

    let ended = scrub(&["explain", path, "other"], b"");
    assert_eq!(ended.text(), "topic other\n  no rule applies: events pass as they are\n");
}

#[test]
fn every_command_of_the_scrub_shows_examples() {
    let commands: [&[&str]; 5] = [&[], &["check"], &["run"], &["explain"], &["diff"]];
    for args in commands {
        let ended = scrub(&[args, &["--help"]].concat(), b"");
        assert_eq!(ended.code(), Some(0));
        let (_, examples) = ended.text().split_once("Examples:\n").unwrap();
        let start = ["hub", "scrub"].iter().chain(args).copied().collect::<Vec<_>>().join(" ");
        assert!(examples.trim_start().starts_with(&start), "{examples}");
    }
}
