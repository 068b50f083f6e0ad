//! Promise: no loss is silent. The audit shows for each topic what was due and what became of it,
//! and it adds up, with what waits counted in the queues themselves.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_server::RunningHub;
use hub_wire::Overflow;
use serde_json::Value;
use support::*;

fn audit(hub: &RunningHub) -> Value {
    serde_json::from_str(&http_get(hub, "/admin/audit")).unwrap()
}

fn line<'a>(audit: &'a Value, topic: &str) -> &'a Value {
    let mut lines = audit["topics"].as_array().unwrap().iter();
    lines.find(|line| line["topic"] == topic).unwrap()
}

fn number(line: &Value, key: &str) -> u64 {
    line[key].as_u64().unwrap()
}

/// What was due is there once, and only once.
fn adds_up(line: &Value) {
    let parts = ["delivered", "overflow", "conflated", "disconnected", "waiting"];
    let sum: u64 = parts.into_iter().map(|key| number(line, key)).sum();
    assert_eq!(number(line, "due"), sum, "{line}");
    assert_eq!(line["balanced"], true, "{line}");
}

const EVENTS: u64 = 1_000;
/// Enough that the kernel's buffers do not take all events of a topic.
const BYTES: usize = 12 * 1024;

#[test]
fn each_topic_adds_up_whatever_became_of_its_events() {
    let hub = hub_with(|config| {
        config.queue_bytes = 256 * 1024;
        config.max_frame_bytes = 64 * 1024;
        config.overflow_grace_ms = 0;
    });
    let topics = [
        ("fast", Overflow::Block),
        ("oldest", Overflow::DropOldest),
        ("newest", Overflow::DropNewest),
        ("latest", Overflow::Latest),
        ("cut", Overflow::DropOldest),
    ];
    let mut readers: Vec<_> = topics
        .iter()
        .map(|(topic, overflow)| {
            let mut reader = open_narrow(hub.clients());
            let wanted = hub_wire::Subscribe { overflow: *overflow, ..subscription(1, topic) };
            reader.subscribe(&wanted);
            reader
        })
        .collect();
    let mut grouped = Client::open(hub.clients());
    let group = Some("workers".to_owned());
    grouped.subscribe(&hub_wire::Subscribe { group, ..subscription(1, "fast") });
    let mut fast = readers.remove(0);
    let drain = std::thread::spawn(move || {
        for _ in 0..EVENTS {
            fast.event();
        }
        fast
    });
    let mut publisher = Client::open(hub.clients());
    for number in 0..EVENTS {
        for (topic, _) in topics {
            publisher.send(&event(topic, &numbered(number, BYTES)));
        }
        if number % 50 == 0 {
            publisher.barrier();
        }
    }
    publisher.barrier();
    let fast = drain.join().unwrap();
    // A connection that ends with events waiting: they are lost with it, and counted.
    drop(readers.pop());
    wait_until("the cut connection is gone", || {
        number(line(&audit(&hub), "cut"), "disconnected") > 0
    });

    let mut shown = audit(&hub);
    wait_until("nothing moves", || {
        shown = audit(&hub);
        number(&shown, "moving_topics") == 0
    });
    assert_eq!(shown["balanced"], true, "{shown}");
    assert_eq!((number(&shown, "unbalanced_topics"), number(&shown, "moving_topics")), (0, 0));
    for (topic, _) in topics {
        let line = line(&shown, topic);
        adds_up(line);
        assert_eq!(number(line, "events"), EVENTS, "{line}");
        let copies = if topic == "fast" { 2 } else { 1 };
        assert_eq!(number(line, "due"), copies * EVENTS, "{line}");
    }
    // The plain subscriber read everything; the member of the group did not.
    assert!(number(line(&shown, "fast"), "delivered") >= EVENTS, "{shown}");
    assert!(number(line(&shown, "oldest"), "overflow") > 0, "{shown}");
    assert!(number(line(&shown, "newest"), "overflow") > 0, "{shown}");
    assert!(number(line(&shown, "latest"), "conflated") > 0, "{shown}");
    assert!(number(line(&shown, "oldest"), "waiting") > 0, "{shown}");
    // Prometheus is told the same.
    let metrics = metrics(&hub);
    let of = |name: &str| metrics.get(name).map_or(0, |value| *value as u64);
    assert_eq!(of("hub_topic_due_total{topic=\"fast\"}"), 2 * EVENTS);
    assert_eq!(
        of("hub_topic_dropped_total{reason=\"disconnected\",topic=\"cut\"}"),
        number(line(&shown, "cut"), "disconnected")
    );
    drop((fast, grouped, readers));
}

#[test]
fn no_inbox_is_named() {
    let hub = hub();
    let client = Client::open(hub.clients());
    let inbox = client.welcome().inbox.clone();
    let mut asker = Client::open(hub.clients());
    asker.subscribe(&subscription(1, &asker.welcome().inbox.clone()));
    let mut answerer = Client::open(hub.clients());
    answerer.send(&event(&asker.welcome().inbox.clone(), &[0xc3]));
    asker.event();
    let mut shown = audit(&hub);
    wait_until("it is counted", || {
        shown = audit(&hub);
        number(line(&shown, "$inbox.*"), "delivered") == 1
    });
    let said = format!("{shown} {:?}", metrics(&hub));
    assert!(!said.contains(&inbox) && !said.contains(&asker.welcome().inbox), "{said}");
}
