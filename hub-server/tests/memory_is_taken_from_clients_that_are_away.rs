//! Promise: when memory is scarce, the hub forgets clients that are not connected, those first that are
//! away for longest, as far as they take more than a sixteenth of the budget. They are told when
//! they come back.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use hub_wire::{Overflow, Subscribe};
use support::*;

const MIB: u64 = 1024 * 1024;
const BUDGET: u64 = 160 * MIB;
const AWAY: u64 = 1_200;

fn id(number: u64) -> [u8; 16] {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    id
}

#[test]
fn those_away_for_longest_begin_anew_and_the_others_go_on() {
    let hub = hub_with(|config| {
        config.memory_bytes = BUDGET;
        config.overflow_grace_ms = 10;
        config.history_bytes = 0;
        config.history_topic_bytes = 0;
    });
    let held = || metric(&hub, "hub_memory_held_bytes");
    // Each is remembered with refusals that are not like each other.
    let refused: Vec<u8> =
        (1..=50).flat_map(|length| event(&format!("{}*", "a".repeat(length)), b"\x01")).collect();
    for number in 0..AWAY {
        let mut client = Client::open_as(hub.clients(), &hello_of(id(number)));
        client.send(&refused);
        client.barrier();
        client.send(&goodbye());
        client.rest();
    }
    wait_until("all are away", || metric(&hub, "hub_connections") == 0);
    assert_eq!(metric(&hub, "hub_memory_pressure"), 0, "{} MiB are held", held() / MIB);
    assert!(held() > BUDGET / 16 * 5 / 4, "{} MiB are held", held() / MIB);
    // Subscribers that do not read, each of its own topic, until memory is scarce.
    let mut publisher = Client::open(hub.clients());
    let mut stalled = Vec::new();
    while metric(&hub, "hub_memory_used_bytes") <= BUDGET / 100 * 70 {
        let topic = format!("t{}", stalled.len());
        assert!(stalled.len() < 80, "{} MiB are held", held() / MIB);
        let mut subscriber = open_narrow(hub.clients());
        let overflow = Overflow::DropOldest;
        subscriber.subscribe(&Subscribe { overflow, ..subscription(1, &topic) });
        stalled.push(subscriber);
        publisher.send(&event(&topic, &numbered(0, 256 * 1024)).repeat(32));
        publisher.barrier();
    }
    // The hub forgets right after the observation of which the metric tells.
    std::thread::sleep(std::time::Duration::from_millis(500));
    let resumes = |number| {
        let client = Client::open_as(hub.clients(), &hello_of(id(number)));
        client.welcome().resumed
    };
    wait_until("there is enough again", || metric(&hub, "hub_memory_pressure") == 0);
    assert!(!resumes(0));
    assert!(resumes(AWAY - 1));
}
