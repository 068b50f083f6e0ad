//! Promise: a rule in shadow mode changes nothing, is counted, and says in the log now and then
//! where it would have acted; what it says holds no byte of any event.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use hub_scrub::{Scrubber, ScrubberEvent, ScrubberOutcome};
use hub_server::{Config, RunningHub};
use hub_wire::Packer;
use std::sync::Arc;
use support::*;
use tempfile::TempDir;
use tracing::Level;

const CARD: &str = "4111 1111 1111 1111";

const RULES: &str = r#"
[[rule]]
name = "card"
mode = "shadow"
find = { detectors = ["card"], in = ["values", "keys", "headers", "topic"] }
action = "mask"
tests = { hits = ["4111 1111 1111 1111"], misses = ["4111"] }

[[rule]]
name = "password"
mode = "shadow"
find = { paths = ["user.password"] }
action = "reject"
tests = { hits = [{ user = { password = "x" } }], misses = [1] }

[[rule]]
name = "flat"
mode = "shadow"
structure = { max_keys = 3 }
tests = { hits = [{ a = 1, b = 1, c = 1, d = 1 }], misses = [1] }

[[rule]]
name = "nobody"
mode = "shadow"
condition = "has(payload.nobody)"
action = "reject"
tests = { hits = [{ nobody = 1 }], misses = [{ a = 1 }] }

[[rule]]
name = "own"
mode = "shadow"
topics = ["orders.**"]
scrubber = "all"
action = "disconnect"
tests = { hits = [1], misses = [false] }
"#;

/// Finds every message but `false`.
struct All;

impl Scrubber for All {
    fn name(&self) -> &str {
        "all"
    }

    fn scrub(&self, event: &ScrubberEvent<'_>) -> ScrubberOutcome {
        if event.payload == [0xc2] { ScrubberOutcome::Pass } else { ScrubberOutcome::Hit }
    }
}

fn payload() -> Vec<u8> {
    let mut out = Vec::new();
    let mut pack = Packer(&mut out);
    pack.map(4).str("canary-key").str("canary-value").str("nobody").array(1).str(CARD);
    pack.str("user").map(1).str("password").str("canary-password").str(CARD).nil();
    out
}

#[test]
fn samples_say_rule_topic_path_and_shape_and_no_value() {
    let log = Log::keep();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("rules.toml");
    std::fs::write(&path, RULES).unwrap();
    let mut config = Config { keepalive_ms: 600_000, ..Config::default() };
    config.listen.set_port(0);
    config.http.set_port(0);
    config.rules = path.to_string_lossy().into_owned();
    let hub = RunningHub::start_with(config, vec![Arc::new(All)]).unwrap();

    let mut subscriber = Client::open(hub.clients());
    subscriber.subscribe(&subscription(1, "**"));
    let mut publisher = Client::open(hub.clients());
    let of_card = format!("cards.{}", CARD.replace(' ', ""));
    for topic in ["orders.placed", "orders.placed", &of_card, "orders.placed"] {
        publisher.send(&event_with(topic, &payload(), &[("note", "canary-header")]));
        let got = publisher.barrier();
        assert!(!got.iter().any(|got| matches!(got, Got::Refused(_))), "{got:?}");
        assert_eq!(subscriber.event().payload, payload(), "shadow changes nothing");
    }

    let finds = metrics(&hub);
    let counted = |rule: &str| finds[&format!("hub_scrub_shadow_hits_total{{rule=\"{rule}\"}}")];
    assert_eq!(
        ["card", "password", "flat", "nobody", "own"].map(counted),
        [8.0, 4.0, 4.0, 4.0, 3.0]
    );
    let samples: Vec<_> =
        log.lines(&[Level::INFO]).into_iter().filter(|line| line.contains("in shadow")).collect();
    let expected = [
        ("own", "disconnect", "$", "map(4)"),
        ("nobody", "reject", "$", "map(4)"),
        ("flat", "reject", "$", "map(4)"),
        ("card", "mask", "*.0", "str(19)"),
        ("password", "reject", "user.password", "str(15)"),
    ];
    assert_eq!(samples.len(), expected.len(), "once a rule: {samples:#?}");
    for (sample, (rule, action, path, shape)) in samples.iter().zip(expected) {
        for (field, value) in [
            ("rule", rule),
            ("action", action),
            ("topic", "orders.placed"),
            ("path", path),
            ("value", shape),
        ] {
            assert!(sample.contains(&format!("{field}=\"{value}\"")), "{field} in {sample}");
        }
    }
    let all = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];
    for line in log.lines(&all) {
        assert!(!line.contains("canary") && !line.contains("1111"), "{line}");
    }
}

#[test]
fn a_topic_with_a_find_in_its_name_is_not_said() {
    use hub_scrub::{RuleSet, Scratch, SystemKeys};
    use hub_wire::TopicName;
    let rules: String = RULES.split("\n[[rule]]\nname = \"own\"").next().unwrap().into();
    let rules = RuleSet::load(&rules, "rules.toml", &SystemKeys).unwrap();
    let plan = rules.plan(&TopicName::parse("cards.4111111111111111").unwrap());
    assert_eq!(plan.topic_for_logs(), "*");
    let samples = plan.shadow_samples(&payload(), None, &mut Scratch::default());
    assert!(samples.iter().any(|sample| plan.rule_name(sample.rule) == "card"));
    assert!(samples.iter().all(|sample| !sample.path.contains("1111")), "{samples:?}");
    let plan = rules.plan(&TopicName::parse("orders.placed").unwrap());
    assert_eq!(plan.topic_for_logs(), "orders.placed");
}
