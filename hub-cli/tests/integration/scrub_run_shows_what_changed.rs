//! The claim: `hub scrub run` shows of each message what became of it, under which rules, and what
//! each view gets; what it counts is what happened.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::scrub_support::{RULES, command, file, scrub};
use crate::support::{PATIENCE, Random};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc;

#[test]
fn people_see_how_a_message_came_and_what_each_view_gets() {
    let path = file("run_text.toml", RULES);
    let input = b"{\"id\":1}\n\
        {\"id\":2,\"email\":\"ann@mail.example\",\"pin\":\"1234\",\"note\":\"hi\"}\n\
        {\"id\":3,\"note\":\"x\xc2\x9b\"}\n\
        {\"id\":4,\"test\":true}\n\
        {\"id\":5,\"odd\":0}\n\
        {\"id\":6,\"bye\":true}\n\
        {\"id\":7,\"pin\":\"77\"}\n";
    let ended = scrub(&["run", path.to_str().unwrap(), "--topic", "orders.placed"], input);
    assert_eq!((ended.code(), &*ended.stderr), (Some(0), ""));
    let expected = r#"message 2 on orders.placed: fixed
  rules    e-mail [contact] → replace: 1 find
           pin → mask: 1 find
           note → drop: 1 find in shadow
  came     {"id":2,"email":"ann@mail.example","pin":"1234","note":"hi"}
  default  {"id":2,"email":"(e-mail)","pin":"****","note":"hi"}
  billing  {"id":2,"email":"ann@mail.example","pin":"**34","note":"hi"}

message 3 on orders.placed: accepted
  rules  note → drop: 1 find in shadow
  came   {"id":3,"note":"x\u009b"}

message 4 on orders.placed: refused by test order at test (rejected)
  rules  test order → reject: 1 find
  came   {"id":4,"test":true}

message 5 on orders.placed: quarantined by odd: a rule says so
  rules  odd → quarantine: 1 find
  came   {"id":5,"odd":0}

message 6 on orders.placed: disconnected by bye
  rules  bye → disconnect: 1 find
  came   {"id":6,"bye":true}

message 7 on orders.placed: fixed
  rules             pin → mask: 1 find
  came              {"id":7,"pin":"77"}
  default, billing  {"id":7,"pin":"**"}

7 messages: 2 accepted, 2 fixed, 1 refused, 1 quarantined, 1 disconnected
  rule        action      label       messages  finds  in shadow
  e-mail      replace     contact            1      1          0
  pin         mask        pin                2      2          0
  note        drop        note               2      0          2
  test order  reject      test order         1      1          0
  odd         quarantine  odd                1      1          0
  bye         disconnect  bye                1      1          0
did not apply: ssn
"#;
    assert_eq!(ended.text(), expected);
    let quiet = scrub(&["run", path.to_str().unwrap(), "--quiet"], input);
    let (_, summary) = expected.split_once("\n\n7 messages").unwrap();
    assert_eq!(quiet.text(), format!("7 messages{summary}"));
}

/// A message with some of the fields that rules are about, and what the rules make of it.
struct Sample {
    payload: Value,
    outcome: &'static str,
    finds: Vec<(&'static str, u64, u64)>,
}

fn sample(random: &mut Random, id: u64) -> Sample {
    let mut payload = json!({ "id": id });
    let mut finds = Vec::new();
    let mut outcome = "accepted";
    let changing = [("email", "e-mail"), ("pin", "pin"), ("ssn", "ssn")];
    for (field, rule) in changing {
        if random.below(3) == 0 {
            payload[field] = format!("{id:06}").into();
            finds.push((rule, 1, 0));
            outcome = "fixed";
        }
    }
    if random.below(3) == 0 {
        payload["note"] = "hi".into();
        finds.push(("note", 0, 1));
    }
    // What ends a message may do so before all else was found, so it comes alone.
    let ends = [
        ("test", "test order", "refused", json!(true)),
        ("odd", "odd", "quarantined", json!(1)),
        ("bye", "bye", "disconnected", json!(true)),
    ];
    if random.below(4) == 0 {
        let (field, rule, ended, value) = ends[random.below(3)].clone();
        payload = json!({ "id": id });
        payload[field] = value;
        (outcome, finds) = (ended, vec![(rule, 1, 0)]);
    }
    Sample { payload, outcome, finds }
}

#[test]
fn json_has_an_object_for_each_message_and_a_summary_that_adds_up() {
    let path = file("run_json.toml", RULES);
    let seed = 0x5c2b_0001;
    println!("seed {seed:#x}");
    let mut random = Random(seed);
    let samples: Vec<Sample> = (1..=500).map(|id| sample(&mut random, id)).collect();
    let input: String = samples.iter().map(|sample| format!("{}\n", sample.payload)).collect();
    let args = ["run", path.to_str().unwrap(), "--topic", "orders.placed", "--json"];
    let ended = scrub(&args, input.as_bytes());
    assert_eq!((ended.code(), &*ended.stderr), (Some(0), ""));
    let mut said = ended.json_lines();
    let summary = said.pop().unwrap()["summary"].clone();
    assert_eq!(said.len(), samples.len());
    for (number, (said, sample)) in (1..).zip(said.iter().zip(&samples)) {
        let payload = &sample.payload;
        assert_eq!((&said["message"], &said["topic"]), (&json!(number), &json!("orders.placed")));
        assert_eq!(said["outcome"], sample.outcome, "{payload}");
        let finds: Vec<_> = said["rules"].as_array().unwrap().iter().map(counts).collect();
        assert_eq!(finds, sample.finds, "{payload}");
        match sample.outcome {
            "accepted" | "fixed" => {
                let (whole, tail) = (format!("{number:06}"), format!("****{:02}", number % 100));
                let views = [("default", "(e-mail)", "******"), ("billing", &*whole, &*tail)];
                for (view, email, pin) in views {
                    let seen = &said["views"][view]["payload"];
                    for (field, expected) in [("email", email), ("pin", pin)] {
                        if payload.get(field).is_some() {
                            assert_eq!(seen[field], expected, "{view} of {payload}");
                        }
                    }
                    assert_eq!(seen.get("note"), payload.get("note"), "{view} of {payload}");
                    if payload.get("ssn").is_some() {
                        assert!(
                            seen["ssn"].as_str().unwrap().starts_with("<sealed:crm-1:"),
                            "{seen}"
                        );
                    }
                    assert_eq!(said["views"][view]["changed"], json!(seen != payload));
                }
            }
            _ => assert_eq!((said.get("views"), &said["rule"]), (None, &json!(finds[0].0))),
        }
    }
    assert_eq!(summary["messages"], 500);
    for outcome in ["accepted", "fixed", "refused", "quarantined", "disconnected"] {
        let count = samples.iter().filter(|sample| sample.outcome == outcome).count();
        assert!(count > 0, "the seed makes none that is {outcome}");
        assert_eq!(summary[outcome], count, "{outcome}");
    }
    for rule in summary["rules"].as_array().unwrap() {
        let (name, finds, shadow) = counts(rule);
        let of_rule = || samples.iter().flat_map(|s| &s.finds).filter(|(rule, ..)| *rule == name);
        assert_eq!(rule["messages"], of_rule().count(), "{name}");
        assert_eq!(finds, of_rule().map(|(_, finds, _)| finds).sum::<u64>(), "{name}");
        assert_eq!(shadow, of_rule().map(|(.., shadow)| shadow).sum::<u64>(), "{name}");
    }
    assert_eq!(
        (summary["rules"].as_array().unwrap().len(), &summary["not_applied"]),
        (7, &json!([]))
    );
}

fn counts(rule: &Value) -> (&str, u64, u64) {
    let number = |name: &str| rule[name].as_u64().unwrap();
    (rule["rule"].as_str().unwrap(), number("finds"), number("shadow"))
}

#[test]
fn only_the_view_that_is_asked_for_is_shown() {
    let path = file("run_view.toml", RULES);
    let path = path.to_str().unwrap();
    let input = b"{\"email\":\"ann@mail.example\"}";
    for (args, view, shown) in [
        (["--view", "default"], "default", "(e-mail)"),
        (["--view", "billing"], "billing", "ann@mail.example"),
        (["--role", "accounts"], "billing", "ann@mail.example"),
        (["--role", "nobody"], "default", "(e-mail)"),
    ] {
        let ended = scrub(&[&["run", path, "--json"][..], &args].concat(), input);
        assert_eq!(ended.code(), Some(0));
        let changed = view == "default";
        let seen = json!({ "changed": changed, "payload": { "email": shown }, "headers": {} });
        assert_eq!(ended.json_lines()[0]["views"], json!({ view: seen }), "{args:?}");
        assert_eq!(ended.stderr.contains("\"nobody\""), args[1] == "nobody", "{}", ended.stderr);
    }
    let ended = scrub(&["run", path, "--view", "none"], input);
    assert_eq!((ended.code(), ended.text()), (Some(2), ""));
    assert!(ended.stderr.contains("there are default, billing"), "{}", ended.stderr);
}

#[test]
fn messages_may_be_messagepack_or_events_of_hub_on() {
    let path = file("run_formats.toml", RULES);
    let path = path.to_str().unwrap();
    // {"pin": bin "ab", 1: 2}, then {"x": 7}.
    let packed = b"\x82\xa3pin\xc4\x02ab\x01\x02\x81\xa1x\x07";
    let ended = scrub(&["run", path, "--format", "msgpack", "--view", "default", "--json"], packed);
    let said = ended.json_lines();
    assert_eq!((ended.code(), said.len()), (Some(0), 3), "{}", ended.stderr);
    assert_eq!(said[0]["outcome"], "fixed");
    assert_eq!(said[0]["views"]["default"]["payload"]["1"], 2);
    assert!(!ended.text().contains("YWI="), "the value's base64: {}", ended.text());
    assert_eq!(said[1]["outcome"], "accepted");

    let events = b"{\"topic\":\"a.b\",\"seq\":1,\"publisher\":\"p\",\"time_ms\":1,\
        \"headers\":{\"pin\":\"12\"},\"payload\":{\"x\":1}}\n\
        {\"gap\":{\"topic\":\"a.b\",\"from\":2,\"to\":3}}\n\
        {\"topic\":\"c\",\"seq\":1,\"headers\":{},\"payload\":{\"pin\":\"1234\"}}\n\
        {\"topic\":\"d\"}\n";
    let ended = scrub(&["run", path, "--format", "events", "--view", "default", "--json"], events);
    assert_eq!(ended.code(), Some(2));
    assert!(ended.stderr.contains("message 3: "), "{}", ended.stderr);
    assert!(ended.stderr.contains("no `payload`"), "{}", ended.stderr);
    let said = ended.json_lines();
    let seen = |n: usize| (&said[n]["topic"], &said[n]["views"]["default"]);
    let first = json!({ "changed": true, "payload": { "x": 1 }, "headers": { "pin": "**" } });
    let second = json!({ "changed": true, "payload": { "pin": "****" }, "headers": {} });
    assert_eq!(seen(0), (&json!("a.b"), &first));
    assert_eq!(seen(1), (&json!("c"), &second));
    assert_eq!((said.len(), &said[2]["summary"]["messages"]), (3, &json!(2)));

    let ended = scrub(&["run", path, "--header", "pin=12", "--json"], b"{\"x\":1}");
    assert_eq!(ended.json_lines()[0]["views"]["default"], first);
}

#[test]
fn a_topic_is_asked_for_if_rules_depend_on_it() {
    let some =
        RULES.replacen("label = \"contact\"", "label = \"contact\"\ntopics = [\"orders.**\"]", 1);
    let path = file("run_topic.toml", &some);
    let path = path.to_str().unwrap();
    let input = b"{\"email\":\"ann@mail.example\"}";
    let ended = scrub(&["run", path], input);
    assert_eq!((ended.code(), ended.text()), (Some(2), ""));
    assert!(ended.stderr.contains("1 rule is for certain topics"), "{}", ended.stderr);
    assert!(ended.stderr.contains("--topic"), "{}", ended.stderr);
    for (topic, outcome) in [("orders.placed", "fixed"), ("users", "accepted")] {
        let ended = scrub(&["run", path, "--topic", topic, "--json"], input);
        assert_eq!(ended.json_lines()[0]["outcome"], outcome, "{topic}");
    }
}

#[test]
fn bad_input_is_code_2_with_its_place_and_what_came_before_counts() {
    let path = file("run_bad_input.toml", RULES);
    let path = path.to_str().unwrap();
    let deep = format!("1\n{}{}\n", "[".repeat(90), "]".repeat(90));
    for (format, input, place) in [
        ("json-lines", &b"1\n\n{\"pin\":}\n"[..], "line 3: not JSON"),
        ("json-lines", deep.as_bytes(), "message 2: nested too deep"),
        ("msgpack", &[1, 0xc1], "value 2, byte 1"),
        (
            "events",
            b"{\"topic\":\"a\",\"payload\":1}\n{\"topic\":\"a..b\",\"payload\":1}",
            "message 2: its topic: ",
        ),
        ("events", b"{\"topic\":\"a\",\"payload\":1}\n7", "message 2: not an event"),
    ] {
        let ended = scrub(&["run", path, "--format", format, "--quiet", "--json"], input);
        assert_eq!(ended.code(), Some(2), "{place}");
        assert!(ended.stderr.contains(place), "{place}: {}", ended.stderr);
        let said = ended.json_lines();
        assert_eq!((said.len(), &said[0]["summary"]["messages"]), (1, &json!(1)), "{place}");
    }
}

/// `hub scrub run --json`, to write to and read from while it runs; killed when dropped.
struct Pipe {
    run: Child,
    stdin: ChildStdin,
    stdout: Option<BufReader<ChildStdout>>,
}

impl Pipe {
    fn start(name: &str) -> Pipe {
        let path = file(name, RULES);
        let mut run = command(&["run", path.to_str().unwrap(), "--json"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = run.stdin.take().unwrap();
        let stdout = run.stdout.take().map(BufReader::new);
        Pipe { run, stdin, stdout }
    }

    /// The next line of stdout. Waits on another thread, so that a line that never comes is a
    /// failure rather than a test that hangs.
    fn line(&mut self) -> Value {
        let mut stdout = self.stdout.take().unwrap();
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let read = stdout.read_line(&mut line);
            let _ = tell.send((read.map(|_| line), stdout));
        });
        let (line, stdout) = told.recv_timeout(PATIENCE).expect("no line came");
        self.stdout = Some(stdout);
        serde_json::from_str(&line.unwrap()).unwrap()
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let _ = self.run.kill();
        let _ = self.run.wait();
    }
}

#[test]
fn a_pipe_can_be_watched_and_may_be_left() {
    let mut pipe = Pipe::start("run_pipe.toml");
    for number in 1..=3 {
        // The answer comes though the input has not ended.
        writeln!(pipe.stdin, "{{\"pin\":\"{number}\"}}").unwrap();
        let said = pipe.line();
        assert_eq!((&said["message"], &said["outcome"]), (&json!(number), &json!("fixed")));
    }
    drop(pipe.stdout.take());
    writeln!(pipe.stdin, "{{\"pin\":\"4\"}}").unwrap();
    assert_eq!(pipe.run.wait().unwrap().code(), Some(0));
    let mut said = String::new();
    pipe.run.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "");
}

#[test]
fn a_signal_ends_it_with_the_summary_of_what_came() {
    let mut pipe = Pipe::start("run_signal.toml");
    writeln!(pipe.stdin, "{{\"pin\":\"1\"}}").unwrap();
    assert_eq!(pipe.line()["message"], 1);
    let kill = format!("kill -TERM {}", pipe.run.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    assert_eq!(pipe.line()["summary"]["messages"], 1);
    assert_eq!(pipe.run.wait().unwrap().code(), Some(0));
}

#[test]
fn each_find_of_a_detector_says_where_it_is_how_sure_it_is_and_why() {
    let rules = "[[pack]]\nname = \"pii\"\n[[pack]]\nname = \"secrets\"\n";
    let path = file("run_reasons.toml", rules);
    let input =
        br#"{"to":{"phone":"94727916"},"notes":["call +49 30 901820"],"redis_password":"x1"}"#;
    let args = ["run", path.to_str().unwrap(), "--topic", "orders.placed"];
    let text = |args: &[&str]| String::from_utf8(scrub(args, input).stdout).unwrap();
    let shown = text(&args);
    for line in [
        "pii/phone at notes.0: certain by the way it is written",
        "pii/phone-named at to.phone: certain by its key",
        "secrets/named at redis_password: certain by its key",
    ] {
        assert!(shown.contains(line), "{line} is missing in:\n{shown}");
    }
    let json = text(&[&args[..], &["--json"]].concat());
    let first: Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    let find = json!({
        "rule": "pii/phone", "path": "notes.0", "confidence": "certain",
        "reason": "by the way it is written",
    });
    assert!(first["finds"].as_array().unwrap().contains(&find), "{first}");
}
