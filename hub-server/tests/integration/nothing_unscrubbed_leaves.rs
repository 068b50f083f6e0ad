//! Promise: no byte that a rule takes out reaches a subscriber, the last event, a queue group, a
//! reply, the quarantine or the metrics. What a rule refuses, the publisher is told with the rule
//! and the place. Rules that change are taken over while events flow, and no event is scrubbed by a
//! mixture of two.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_scrub::{Scrubber, ScrubberEvent, ScrubberOutcome};
use hub_server::{Config, RunningHub, ServeError};
use hub_wire::{CloseCode, Overflow, Packer, RefusedCode, Start, Subscribe};
use std::io::Write;
use std::sync::Arc;
use support::*;
use tempfile::TempDir;

const CARD: &str = "4111 1111 1111 1111";

const RULES: &str = r#"
[[rule]]
name = "card"
find = { detectors = ["card"] }
action = "mask"
tests = { hits = ["4111 1111 1111 1111"], misses = ["4111"] }

[[rule]]
name = "no test orders"
topics = ["orders.**"]
find = { keys = ["test"] }
action = "reject"
tests = { hits = [{ test = 1 }], misses = [{ order = 1 }] }

[[rule]]
name = "no passwords"
find = { keys = ["password"] }
action = "quarantine"
tests = { hits = [{ password = "x" }], misses = [{ pass = "x" }] }

[[rule]]
name = "no attacks"
find = { keys = ["attack"] }
action = "disconnect"
tests = { hits = [{ attack = 1 }], misses = [{ a = 1 }] }
"#;

struct Rules {
    hub: RunningHub,
    folder: TempDir,
}

impl Rules {
    fn start(rules: &str) -> Rules {
        Rules::start_with(rules, Vec::new())
    }

    fn start_with(rules: &str, scrubbers: Vec<Arc<dyn Scrubber>>) -> Rules {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("rules.toml"), rules).unwrap();
        let hub = RunningHub::start_with(config(&folder), scrubbers).unwrap();
        Rules { hub, folder }
    }

    /// As an editor or a volume does it: in one step.
    fn replace(&self, rules: &str) {
        let new = self.folder.path().join("new.toml");
        std::fs::write(&new, rules).unwrap();
        std::fs::rename(new, self.folder.path().join("rules.toml")).unwrap();
    }

    fn reloads(&self, outcome: &str) -> f64 {
        let name = format!("hub_scrub_reloads_total{{outcome=\"{outcome}\"}}");
        metrics(&self.hub).get(&name).copied().unwrap_or(0.0)
    }
}

fn config(folder: &TempDir) -> Config {
    let mut config = Config { keepalive_ms: 600_000, ..Config::default() };
    config.listen.set_port(0);
    config.http.set_port(0);
    config.rules = folder.path().join("rules.toml").to_string_lossy().into_owned();
    config
}

fn map(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut pack = Packer(&mut out);
    pack.map(entries.len() as u32);
    for (key, value) in entries {
        pack.str(key).str(value);
    }
    out
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_redacted_value_reaches_nobody() {
    let rules = Rules::start(RULES);
    let address = rules.hub.clients();
    let mut live = Client::open(address);
    live.subscribe(&subscription(1, "orders.**"));
    let mut member = Client::open(address);
    member.subscribe(&Subscribe { group: Some("g".into()), ..subscription(1, "orders.**") });
    let mut publisher = Client::open(address);
    let inbox = live.welcome().inbox.clone();
    live.subscribe(&subscription(2, &inbox));
    publisher.send(&event("orders.placed", &map(&[("note", CARD), ("sku", "A7")])));
    let headers = [("note", CARD)];
    publisher.send(&event_with("orders.placed", &map(&[("sku", "A8")]), &headers));
    publisher.send(&event(&inbox, &map(&[("card", CARD)])));
    assert!(!publisher.barrier().iter().any(|got| matches!(got, Got::Refused(_))));

    let mut late = Client::open(address);
    late.send(&subscribe(&Subscribe { start: Start::Last, ..subscription(1, "orders.placed") }));
    let masked = "*******************";
    for (client, events) in [(&mut live, 3), (&mut member, 2), (&mut late, 1)] {
        for _ in 0..events {
            let event = client.event();
            let bytes = [event.payload.clone(), event.headers.clone().unwrap_or_default()].concat();
            assert!(!contains(&bytes, "4111"), "{event:?}");
            assert!(contains(&bytes, masked), "{event:?}");
        }
    }
    let metrics = metrics(&rules.hub);
    assert_eq!(metrics["hub_scrub_hits_total{action=\"mask\",rule=\"card\"}"], 3.0);
    assert!(metrics.keys().all(|name| !name.contains("4111")));
}

#[test]
fn an_event_without_a_find_arrives_byte_for_byte() {
    let rules = Rules::start(RULES);
    let mut subscriber = Client::open(rules.hub.clients());
    subscriber.subscribe(&subscription(1, "**"));
    let mut publisher = Client::open(rules.hub.clients());
    let payloads = [map(&[("sku", "A7")]), b"\xdf\x00\x00\x00\x01\xd9\x01a\xd1\x00\x05".to_vec()];
    for payload in &payloads {
        publisher.send(&event("orders.placed", payload));
    }
    for payload in &payloads {
        assert_eq!(subscriber.event().payload, *payload);
    }
}

#[test]
fn the_publisher_is_told_the_rule_and_the_place() {
    let rules = Rules::start(RULES);
    let mut publisher = Client::open(rules.hub.clients());
    publisher.send(&event("orders.placed", &map(&[("sku", "A7"), ("test", "4111 secret")])));
    let got = publisher.barrier();
    let [Got::Refused(refused), Got::Receipt(1)] = got.as_slice() else { panic!("{got:?}") };
    assert_eq!((refused.number, refused.code), (0, RefusedCode::Rejected));
    assert_eq!(refused.rule.as_deref(), Some("no test orders"));
    assert_eq!(refused.path.as_deref(), Some("test"));
    assert!(!refused.message.contains("4111"));
}

#[test]
fn quarantine_shows_shapes_and_nobody_gets_the_event() {
    let rules = Rules::start(RULES);
    let address = rules.hub.clients();
    let mut subscriber = Client::open(address);
    subscriber.subscribe(&subscription(1, "**"));
    let mut guard = Client::open(address);
    guard.subscribe(&subscription(1, "$hub.quarantine.**"));
    let mut publisher = Client::open(address);
    publisher
        .send(&event("users.new", &map(&[("password", "hunter2 is it"), ("name", "Ann Lee")])));
    let got = publisher.barrier();
    let [Got::Refused(refused), Got::Receipt(1)] = got.as_slice() else { panic!("{got:?}") };
    assert_eq!(refused.code, RefusedCode::Quarantined);
    let shown = guard.event();
    assert_eq!(
        (shown.topic.as_str(), shown.publisher.as_str()),
        ("$hub.quarantine.users.new", "hub")
    );
    assert!(contains(&shown.payload, "no passwords") && contains(&shown.payload, "str(13)"));
    for value in ["hunter2", "Ann"] {
        assert!(!contains(&shown.payload, value));
    }
    publisher.send(&event("users.new", &map(&[("name", "Bob")])));
    assert!(contains(&subscriber.event().payload, "Bob"), "the first event came");
}

/// Also where one ended while the hub's event for it had to wait, and begins anew with that.
#[test]
fn a_topic_of_the_quarantine_is_never_a_clients() {
    const EVENTS: u64 = 6_000;
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("rules.toml"), RULES).unwrap();
    let mut config = config(&folder);
    (config.max_frame_bytes, config.queue_bytes) = (16 * 1024, 64 * 1024);
    (config.topic_idle_ms, config.overflow_grace_ms) = (100, 600_000);
    let hub = RunningHub::start(config).unwrap();
    // It does not read: the hub's events on its topic wait, and those behind them.
    let mut guard = open_narrow(hub.clients());
    let one = subscription(1, "$hub.quarantine.users.a");
    guard.subscribe(&Subscribe { overflow: Overflow::Block, ..one });
    let mut publisher = Client::open(hub.clients());
    let mut writer = publisher.writer();
    let writing = std::thread::spawn(move || {
        let names: Vec<String> = (0..100).map(|n| format!("n{n}")).collect();
        let mut entries: Vec<_> = names.iter().map(|name| (name.as_str(), "x")).collect();
        entries.push(("password", "x"));
        let bad = map(&entries);
        for _ in 0..EVENTS / 2 {
            writer.write_all(&event("users.a", &bad)).unwrap();
            writer.write_all(&event("users.b", &bad)).unwrap();
        }
    });
    let reading = std::thread::spawn(move || {
        while publisher.next() != Got::Receipt(EVENTS) {}
        publisher
    });
    wait_until("all topics but the guard's have ended", || {
        let all = metrics(&hub);
        all["hub_deliveries_pending"] > 0.0 && all["hub_topics"] == 1.0
    });
    for _ in 0..EVENTS / 2 {
        assert_eq!(guard.event().publisher, "hub");
    }
    writing.join().unwrap();
    let mut publisher = reading.join().unwrap();
    publisher.send(&event("$hub.quarantine.users.b", b"\xc0"));
    let got = publisher.barrier();
    let [Got::Refused(refused), Got::Receipt(_)] = got.as_slice() else { panic!("{got:?}") };
    assert_eq!(refused.code, RefusedCode::ReservedTopic);
}

#[test]
fn a_topic_with_a_name_that_a_rule_finds_something_in_is_shown_to_nobody() {
    let in_topic = RULES.replacen(
        "detectors = [\"card\"]",
        "detectors = [\"card\"], in = [\"values\", \"topic\"]",
        1,
    );
    let rules = Rules::start(&in_topic);
    let mut client = Client::open(rules.hub.clients());
    client.subscribe(&subscription(1, "orders.placed"));
    let topics = metric(&rules.hub, "hub_topics");
    for round in 0..3 {
        client.send(&event("users.4111111111111111", &map(&[("sku", "A7")])));
        let got = client.barrier();
        let refused = got.iter().filter(|got| {
            matches!(got, Got::Refused(refused)
            if refused.rule.as_deref() == Some("card") && refused.path.as_deref() == Some("$topic"))
        });
        assert_eq!(refused.count(), 1, "{round}: {got:?}");
    }
    assert_eq!(metric(&rules.hub, "hub_topics"), topics, "it is not made");
    let told = |rules: &Rules| {
        let metrics = metrics(&rules.hub);
        format!("{metrics:?}\n{}", http_get(&rules.hub, "/admin/audit"))
    };
    assert!(!told(&rules).contains("4111"));
    // One that was there before the rule was is not named any more.
    let rules = Rules::start(RULES);
    let mut client = Client::open(rules.hub.clients());
    for topic in ["orders.placed", "users.4111111111111111", "users.5500005555555559"] {
        client.send(&event(topic, &map(&[("sku", "A7")])));
    }
    client.barrier();
    assert!(told(&rules).contains("users.4111111111111111"));
    rules.replace(&in_topic);
    wait_until("the rule is in force", || rules.reloads("applied") == 1.0);
    let told = told(&rules);
    assert!(!told.contains("4111") && !told.contains("5500"), "{told}");
    assert!(told.contains("orders.placed"), "{told}");
}

#[test]
fn a_rule_can_end_the_connection_and_what_came_before_is_published() {
    let rules = Rules::start(RULES);
    let mut subscriber = Client::open(rules.hub.clients());
    subscriber.subscribe(&subscription(1, "**"));
    let mut publisher = Client::open(rules.hub.clients());
    let mut bytes = event("t", &map(&[("a", "before")]));
    bytes.extend(event("t", &map(&[("attack", "x")])));
    bytes.extend(event("t", &map(&[("a", "behind")])));
    publisher.send(&bytes);
    let rest = publisher.rest();
    assert!(rest.iter().any(|got| matches!(got, Got::Refused(r) if r.number == 1)), "{rest:?}");
    assert!(rest.iter().any(|got| matches!(got, Got::Close(c) if c.code == CloseCode::Policy)));
    assert!(contains(&subscriber.event().payload, "before"));
    let mut other = Client::open(rules.hub.clients());
    other.send(&event("t", &map(&[("a", "other")])));
    assert!(contains(&subscriber.event().payload, "other"));
}

/// Finds "hit", and fails on "boom" as a fault in a user's code would.
struct Fails;

impl Scrubber for Fails {
    fn name(&self) -> &str {
        "fails"
    }

    fn scrub(&self, event: &ScrubberEvent<'_>) -> ScrubberOutcome {
        assert!(!contains(event.payload, "boom"), "a fault that this test is about");
        match contains(event.payload, "hit") {
            true => ScrubberOutcome::Hit,
            false => ScrubberOutcome::Pass,
        }
    }
}

#[test]
fn a_scrubber_that_panics_costs_one_event() {
    let rules = r#"
        [[rule]]
        name = "own"
        topics = ["t"]
        scrubber = "fails"
        tests = { hits = ["hit"], misses = [{ a = 1 }] }
    "#;
    let rules = Rules::start_with(rules, vec![Arc::new(Fails)]);
    let mut subscriber = Client::open(rules.hub.clients());
    subscriber.subscribe(&subscription(1, "**"));
    let mut publisher = Client::open(rules.hub.clients());
    for text in ["one", "boom", "two"] {
        publisher.send(&event("t", &map(&[("a", text)])));
    }
    let got = publisher.barrier();
    let refused: Vec<_> = got
        .iter()
        .filter_map(|got| if let Got::Refused(r) = got { Some((r.number, r.code)) } else { None })
        .collect();
    assert_eq!(refused, [(1, RefusedCode::Quarantined)]);
    assert!(contains(&subscriber.event().payload, "one"));
    assert!(contains(&subscriber.event().payload, "two"));
}

#[test]
fn a_hub_does_not_start_without_its_rules() {
    let folder = TempDir::new().unwrap();
    let error = RunningHub::start(config(&folder)).unwrap_err();
    assert!(matches!(error, ServeError::Rules(_)), "{error:?}");
    std::fs::write(folder.path().join("rules.toml"), "[[rule]]\nname = 5\n").unwrap();
    let error = RunningHub::start(config(&folder)).unwrap_err();
    let ServeError::Rules(why) = &error else { panic!("{error:?}") };
    assert!(why.to_string().contains("rules.toml:2"), "{why}");
}

/// Replaces two fields of an event, each with the same word.
fn version(word: &str) -> String {
    format!(
        r#"
        [[rule]]
        name = "both"
        find = {{ keys = ["a", "b"] }}
        action = {{ do = "replace", with = "{word}" }}
        tests = {{ hits = [{{ a = 1 }}], misses = [{{ c = 1 }}] }}
        "#
    )
}

#[test]
fn a_reload_under_load_mixes_no_versions_and_loses_nothing() {
    let rules = Rules::start(&version("one"));
    let mut subscriber = Client::open(rules.hub.clients());
    subscriber.subscribe(&Subscribe { overflow: Overflow::Block, ..subscription(1, "t") });
    let mut publisher = Client::open(rules.hub.clients());
    let (mut sent, mut seen) = (0_u64, Vec::new());
    let mut exchange = |rules: &Rules, until: &dyn Fn(&Rules, &[String]) -> bool| {
        while !until(rules, &seen) {
            for _ in 0..50 {
                publisher.send(&event("t", &map(&[("a", "raw"), ("b", "raw")])));
                sent += 1;
            }
            for _ in 0..50 {
                let event = subscriber.event();
                assert!(!contains(&event.payload, "raw"));
                let words = ["one", "two", "three"];
                let word = words.iter().find(|word| contains(&event.payload, word)).unwrap();
                assert_eq!(event.payload, map(&[("a", word), ("b", word)]), "a mixture");
                seen.push((*word).to_owned());
            }
        }
    };
    let last_is = |word: &'static str| {
        move |_: &Rules, seen: &[String]| seen.last().is_some_and(|w| w == word)
    };
    exchange(&rules, &last_is("one"));
    rules.replace(&version("two"));
    exchange(&rules, &last_is("two"));
    // A broken file changes nothing, and says so.
    rules.replace("[[rule]]\nname = ");
    exchange(&rules, &|rules, _| rules.reloads("refused") > 0.0);
    exchange(&rules, &last_is("two"));
    rules.replace(&version("three"));
    exchange(&rules, &last_is("three"));
    assert_eq!(seen.len() as u64, sent);
    assert!(seen.is_sorted_by_key(|word| ["one", "two", "three"].iter().position(|w| w == word)));
    wait_until("both are counted", || rules.reloads("applied") == 2.0);
}
