//! Promise: an event that is costly to scrub is scrubbed on another thread, and keeps its place all the same:
//! the events of its client come in their order, scrubbed, and each is receipted or refused once. If its client
//! goes meanwhile, nothing of it is left.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_server::RunningHub;
use hub_wire::{Overflow, Packer, RefusedCode, Subscribe};
use std::io::Write;
use support::*;
use tempfile::TempDir;

const RULES: &str = r#"
[[pack]]
name = "pci"
[[pack]]
name = "pii"

[[rule]]
name = "no tests"
find = { keys = ["test"] }
action = "reject"
tests = { hits = [{ test = 1 }], misses = [{ order = 1 }] }
"#;

const CARD: &str = "4111 1111 1111 1111 ";
const EVENTS: u64 = 150;
/// Each few bytes of this text may be a telephone number.
const COSTLY: &str = "(212) 5 55-0418１１ ";

fn hub(folder: &TempDir) -> RunningHub {
    let rules = folder.path().join("rules.toml");
    std::fs::write(&rules, RULES).unwrap();
    hub_with(|config| {
        config.threads = 2;
        config.rules = rules.to_string_lossy().into_owned();
    })
}

/// Packs a number, and a text under this key.
fn payload(number: u64, key: &str, text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    Packer(&mut out).map(2).str("id").uint(number).str(key).str(text);
    out
}

fn number_in(payload: &[u8]) -> u64 {
    let limits = hub_wire::Limits::NONE;
    let mut read = hub_wire::Reader::new(payload, &limits);
    read.map("event").unwrap();
    assert_eq!(read.str("key").unwrap(), "id");
    read.uint("id").unwrap()
}

#[test]
fn costly_events_come_in_their_order_and_scrubbed() {
    let folder = TempDir::new().unwrap();
    let hub = hub(&folder);
    let mut subscriber = Client::open(hub.clients());
    let block = |filter| Subscribe { overflow: Overflow::Block, ..subscription(1, filter) };
    subscriber.subscribe(&block("orders.**"));
    let mut publisher = Client::open(hub.clients());
    let mut random = Random(Random::seed("HUB_TEST_SEED"));
    let (mut sent, mut passing, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..EVENTS {
        let text = match random.below(6) {
            0 => COSTLY.repeat(1 + random.below(200)), // costly, and often over the budget
            1 => "a plain text ".repeat(random.below(5_000)), // large
            2 => CARD.repeat(1 + random.below(200)),
            _ => CARD.to_owned(),
        };
        let key = if random.below(10) == 0 { "test" } else { "note" };
        let topic = format!("orders.{}", random.below(2));
        sent.extend(event(&topic, &payload(number, key, &text)));
        if key == "test" {
            refused.push(number)
        } else {
            passing.push((number, topic))
        }
        if random.below(20) == 0 {
            sent.extend(ping(number));
        }
    }
    let mut writer = publisher.writer();
    let write = std::thread::spawn(move || writer.write_all(&sent).unwrap());
    let got = publisher.until(|got| matches!(got, Got::Receipt(EVENTS)));
    write.join().unwrap();
    let why = |got: &Got| match got {
        Got::Refused(why) => Some((why.number, why.code)),
        _ => None,
    };
    let told: Vec<_> = got.iter().filter_map(why).collect();
    let with = |wanted: RefusedCode| -> Vec<u64> {
        told.iter().filter(|(_, code)| *code == wanted).map(|(number, _)| *number).collect()
    };
    let (quarantined, rejected) = (with(RefusedCode::Quarantined), with(RefusedCode::Rejected));
    assert!(told.is_sorted_by_key(|(number, _)| *number), "refusals are out of order");
    assert_eq!(quarantined.len() + rejected.len(), told.len(), "other refusals");
    let due = |number: &u64| !quarantined.contains(number);
    assert_eq!(rejected, refused.into_iter().filter(due).collect::<Vec<_>>());
    passing.retain(|(number, _)| due(number));
    let got: Vec<_> = passing.iter().map(|_| subscriber.event()).collect();
    for topic in ["orders.0", "orders.1"] {
        let got = got.iter().filter(|event| event.topic == topic);
        let due = passing.iter().filter(|(_, of)| of == topic).map(|(number, _)| *number);
        assert!(got.map(|event| number_in(&event.payload)).eq(due), "{topic} has another order");
    }
    for event in got {
        assert!(!event.payload.windows(4).any(|part| part == b"4111"), "{}", event.number);
    }
}

#[test]
fn nothing_is_left_of_who_goes_while_its_events_are_scrubbed() {
    let folder = TempDir::new().unwrap();
    let hub = hub(&folder);
    let mut bystander = Client::open(hub.clients());
    bystander.subscribe(&subscription(1, "small"));
    let frame = event("large", &payload(0, "note", &COSTLY.repeat(30_000)));
    let before = metric(&hub, "hub_memory_held_bytes");
    for _ in 0..20 {
        let mut client = Client::open(hub.clients());
        client.send(&frame);
        client.send(&frame[..frame.len() / 2]);
    }
    bystander.send(&event("small", &payload(7, "note", CARD)));
    assert_eq!(number_in(&bystander.event().payload), 7);
    wait_until("the others are gone", || metric(&hub, "hub_connections") == 1);
    wait_until("nothing is held for them", || {
        metric(&hub, "hub_memory_held_bytes") < before + frame.len() as u64
    });
}
