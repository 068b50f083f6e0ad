//! Promise: the topics under which events in quarantine are shown count for the client that
//! published them. When it has made as many as it may, they are shown all the same, under
//! `$hub.quarantine.other`.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_wire::{Packer, RefusedCode};
use std::collections::BTreeSet;
use support::*;

const RULES: &str = r#"
[[rule]]
name = "no passwords"
find = { keys = ["password"] }
action = "quarantine"
tests = { hits = [{ password = "x" }], misses = [{ pass = "x" }] }
"#;

#[test]
fn no_client_makes_more_topics_than_it_may_by_what_is_refused() {
    const MOST: usize = 10;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.toml");
    std::fs::write(&file, RULES).unwrap();
    let hub = hub_with(|config| {
        config.rules = file.to_string_lossy().into_owned();
        config.max_topics_per_identity = MOST;
    });
    let mut guard = Client::open(hub.clients());
    guard.subscribe(&subscription(1, "$hub.quarantine.**"));
    let mut payload = Vec::new();
    Packer(&mut payload).map(1).str("password").str("hunter2");
    let mut publisher = Client::open(hub.clients());
    // Each makes its topic, and one where it is shown.
    for n in 0..MOST {
        publisher.send(&event(&format!("t{n}"), &payload));
    }
    let codes: Vec<_> = publisher
        .barrier()
        .iter()
        .filter_map(|got| match got {
            Got::Refused(refused) => Some(refused.code),
            _ => None,
        })
        .collect();
    let quarantined = codes.iter().filter(|code| **code == RefusedCode::Quarantined).count();
    let too_many = codes.iter().filter(|code| **code == RefusedCode::TooManyTopics).count();
    assert_eq!((quarantined, too_many), (MOST / 2, MOST / 2), "{codes:?}");
    let shown: BTreeSet<_> = (0..quarantined).map(|_| guard.event().topic).collect();
    let own: BTreeSet<_> = (0..MOST / 2).map(|n| format!("$hub.quarantine.t{n}")).collect();
    assert_eq!(shown, own);
    assert_eq!(metric(&hub, "hub_topics"), MOST as u64);
}

#[test]
fn without_a_place_it_is_shown_under_other() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.toml");
    std::fs::write(&file, RULES).unwrap();
    let hub = hub_with(|config| {
        config.rules = file.to_string_lossy().into_owned();
        config.max_topics_per_identity = 3;
    });
    let mut guard = Client::open(hub.clients());
    guard.subscribe(&subscription(1, "$hub.quarantine.**"));
    let mut payload = Vec::new();
    Packer(&mut payload).map(1).str("password").str("hunter2");
    let mut publisher = Client::open(hub.clients());
    for topic in ["a", "b"] {
        publisher.send(&event(topic, b"\x01"));
    }
    for topic in ["a", "b", "a", "b"] {
        publisher.send(&event(topic, &payload));
    }
    publisher.barrier();
    let shown: Vec<_> = (0..4).map(|_| guard.event().topic).collect();
    let (own, other) = ("$hub.quarantine.a", "$hub.quarantine.other");
    assert_eq!(shown.iter().filter(|topic| *topic == own).count(), 2, "{shown:?}");
    assert_eq!(shown.iter().filter(|topic| *topic == other).count(), 2, "{shown:?}");
    // `other` is the hub's own.
    assert_eq!(metric(&hub, "hub_topics"), 4);
}
