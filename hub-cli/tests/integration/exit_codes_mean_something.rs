//! The claim: a script can tell from the exit code what went wrong, and what was refused is said.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support::{HUB, Hub, Random, tool};
use serde_json::{Value, json};
use std::process::Command;

/// Nothing listens on this port: it was free a moment ago.
fn nowhere() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("hub://{}", listener.local_addr().unwrap())
}

#[test]
fn no_hub_is_code_3() {
    for args in
        [&["emit", "a", "1"][..], &["on", "a"], &["request", "a"], &["reply", "a", "--echo"]]
    {
        let ended = tool(&nowhere(), args).end();
        assert_eq!(ended.code(), Some(3), "{args:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("cannot be reached"), "{}", ended.stderr);
    }
}

#[test]
fn wrong_usage_is_code_2_and_needs_no_hub() {
    for args in [
        &["emit", "a.*", "1"][..],
        &["emit", "a", "{"],
        &["emit", "a", "1", "--format", "msgpack"],
        &["emit", "a", "--count", "2"],
        &["emit", "a", "1", "--header", "nokey"],
        &["on", "a..b"],
        &["on", "a", "--json", "--raw"],
        &["reply", "a"],
        &["nonsense"],
        &["--server", "http://x", "emit", "a", "1"],
    ] {
        let ended = tool(&nowhere(), args).end();
        assert_eq!(ended.code(), Some(2), "{args:?}: {}", ended.stderr);
    }
}

#[test]
fn a_refused_topic_is_code_4_and_says_why() {
    let hub = Hub::start();
    let ended = hub.run(["emit", "$hub.mine", "1", "--count", "2", "--json"]).end();
    assert_eq!(ended.code(), Some(4), "{}", ended.stderr);
    assert_eq!(ended.stderr.matches("(reserved_topic)").count(), 2, "{}", ended.stderr);
    let summary: Value = serde_json::from_str(ended.text()).unwrap();
    let counts = ["emitted", "refused", "unknown"].map(|key| summary[key].as_u64());
    assert_eq!(counts, [Some(0), Some(2), Some(0)]);
    assert_eq!(summary["refusals"][0]["event"], 1);
    assert_eq!(summary["refusals"][1]["event"], 2);
    assert!(ended.stderr.contains("refused: event 2: "), "{}", ended.stderr);
    assert_eq!(summary["refusals"][1]["code"], "reserved_topic");
}

/// The kinds of events are drawn from a seed, which the test prints.
#[test]
fn refusals_are_numbered_from_1_and_name_limit_and_key() {
    let seed = Random::seed("HUB_TEST_SEED");
    println!("HUB_TEST_SEED={seed}");
    let mut random = Random(seed);
    let hub = Hub::start_with(&["--max-depth=5", "--max-elements=20", "--max-frame-bytes=4096"]);
    let mut input = String::new();
    let mut refused = Vec::new();
    for number in 1..=12 {
        let (line, said) = match random.below(4) {
            0 => ("7".to_owned(), None),
            1 => (
                format!("{}{}", "[".repeat(6), "]".repeat(6)),
                Some(("5 levels (max_depth)", "too_deep")),
            ),
            2 => (
                format!("[{}1]", "1,".repeat(20 + random.below(80))),
                Some(("20 values (max_elements)", "too_many_elements")),
            ),
            _ => (
                format!("\"{}\"", "x".repeat(4096 + random.below(5000))),
                Some(("at most 4096 (max_frame_bytes)", "frame_too_large")),
            ),
        };
        input += &(line + "\n");
        refused.extend(said.map(|(limit, code)| (number, limit, code)));
    }
    let mut emit = hub.run(["emit", "a", "--json"]);
    emit.feed(input.as_bytes());
    let ended = emit.end();
    let code = if refused.is_empty() { 0 } else { 4 };
    assert_eq!(ended.code(), Some(code), "{}", ended.stderr);
    let summary: Value = serde_json::from_str(ended.text()).unwrap();
    let listed = summary["refusals"].as_array().unwrap();
    assert_eq!(listed.len(), refused.len(), "{summary}");
    for (number, limit, code) in refused {
        let line = format!("refused: event {number}: ");
        let line = ended.stderr.lines().find(|said| said.starts_with(&line)).expect(&line);
        assert!(line.contains(limit) && line.contains(&format!("({code})")), "{line}");
        let refusal = listed.iter().find(|refusal| refusal["event"] == number).unwrap();
        assert_eq!(refusal["code"], code);
        assert!(refusal["message"].as_str().unwrap().contains(limit), "{refusal}");
    }
}

#[test]
fn bad_credentials_have_a_code_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let access = folder.path().join("access.toml");
    std::fs::write(&access, "[roles.r]\npublish.allow = \"a\"\n[identities.i]\nroles = \"r\"\n")
        .unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "hub_orders-1_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n").unwrap();
    let hub = Hub::start_with(&["--access", access.to_str().unwrap()]);
    let shown = ["--token-file", token.to_str().unwrap()];
    for args in
        [&["emit", "a", "1"][..], &["on", "a"], &["request", "a"], &["reply", "a", "--echo"]]
    {
        // The hub knows no such token, and accepts nobody without one.
        for more in [&shown[..], &[]] {
            let ended = hub.run(args.iter().chain(more)).end();
            assert_eq!(ended.code(), Some(8), "{args:?} {more:?}: {}", ended.stderr);
            assert!(ended.stderr.contains("unauthorized"), "{}", ended.stderr);
            let gone = tool(&nowhere(), args.iter().chain(more)).end();
            assert_eq!(gone.code(), Some(3), "{args:?} {more:?}: {}", gone.stderr);
        }
    }
    std::fs::write(&token, "\u{feff} \n").unwrap();
    let ended = hub.run(["emit", "a", "1"].iter().chain(&shown)).end();
    assert_eq!(ended.code(), Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("has no token in it"), "{}", ended.stderr);
}

#[test]
fn a_refusal_names_the_rule_and_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.toml");
    let rule = "[[rule]]\nname = \"no names\"\nfind = { keys = [\"name\"] }\naction = \"reject\"\n\
                tests = { hits = [{ name = 1 }], misses = [1] }\n";
    std::fs::write(&rules, rule).unwrap();
    let hub = Hub::start_with(&["--rules", rules.to_str().unwrap()]);
    let ended = hub.run(["emit", "a", "{\"who\": {\"name\": \"Ann\"}}", "--json"]).end();
    assert_eq!(ended.code(), Some(4), "{}", ended.stderr);
    assert!(ended.stderr.contains("(rejected) by no names at *.name"), "{}", ended.stderr);
    let refusal = &serde_json::from_str::<Value>(ended.text()).unwrap()["refusals"][0];
    assert_eq!((&refusal["rule"], &refusal["path"]), (&json!("no names"), &json!("*.name")));
    assert!(!ended.stderr.contains("Ann") && !refusal.to_string().contains("Ann"));
}

#[test]
fn bad_input_is_code_2_and_what_came_before_it_is_emitted() {
    let hub = Hub::start();
    let on = hub.listen(["on", "a", "--raw", "--count", "2"]);
    let mut emit = hub.run(["emit", "a", "--format", "msgpack"]);
    emit.feed(&[1, 2, 0xc1]);
    let ended = emit.end();
    assert_eq!(ended.code(), Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("value 3, byte 2"), "{}", ended.stderr);
    assert!(ended.stderr.contains("emitted 2\n"), "{}", ended.stderr);
    assert_eq!(on.end().stdout, [1, 2]);
}

#[test]
fn a_closed_stdout_ends_quietly_with_0() {
    let hub = Hub::start();
    let mut on = Command::new(HUB)
        .args(["on", "a", "--server", &hub.url])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = std::io::BufReader::new(on.stderr.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut said, &mut line).unwrap();
    assert_eq!(line, "subscribed to a\n");
    drop(on.stdout.take());
    assert_eq!(hub.run(["emit", "a", "1"]).end().code(), Some(0));
    assert_eq!(on.wait().unwrap().code(), Some(0));
    line.clear();
    std::io::Read::read_to_string(&mut said, &mut line).unwrap();
    assert_eq!(line, "");
}

#[test]
fn signals_end_a_listener_cleanly() {
    let hub = Hub::start();
    for signal in ["INT", "TERM"] {
        let on = hub.listen(["on", "a"]);
        on.signal(signal);
        let ended = on.end();
        assert_eq!(ended.code(), Some(0), "{signal}: {}", ended.stderr);
    }
}
