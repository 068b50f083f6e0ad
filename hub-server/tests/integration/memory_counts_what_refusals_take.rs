//! Promise: what the hub remembers of refusals, and answers that a client does not read, are counted
//! as held for clients, bounded for each, and given back.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_server::RunningHub;
use hub_wire::RefusedWhat;
use std::io::Write;
use support::*;

fn held(hub: &RunningHub) -> u64 {
    metric(hub, "hub_memory_held_bytes")
}

/// Instances that had so many events refused, no two of them for the same reason.
fn refused(hub: &RunningHub, instances: u8, events: usize) -> Vec<Client> {
    let frames: Vec<u8> = (1..=events)
        .flat_map(|length| event(&format!("{}*", "a".repeat(length)), b"\x01"))
        .collect();
    let open = |number| {
        let mut client = Client::open_as(hub.clients(), &hello_of([number; 16]));
        client.send(&frames);
        assert!(client.barrier().len() >= events);
        client
    };
    (0..instances).map(open).collect()
}

#[test]
fn what_is_remembered_of_refusals_counts_and_is_bounded() {
    let hub = hub();
    let before = held(&hub);
    let clients = refused(&hub, 40, 60);
    let connected = held(&hub) - before;
    assert!(connected > 40 * 60 * 100, "{connected}");
    drop(clients);
    wait_until("they are away", || metric(&hub, "hub_connections") == 0);
    let away = held(&hub) - before;
    assert!(away > 40 * 60 * 100, "{away}");
    // Those that sent more: not more than so much is kept of each.
    drop(refused(&hub, 40, 250));
    wait_until("they are away", || metric(&hub, "hub_connections") == 0);
    let bounded = held(&hub) - before;
    assert!(bounded < 40 * 20 * 1024, "{bounded}");
}

#[test]
fn what_is_remembered_of_refusals_is_given_back() {
    let hub = hub_with(|config| config.resume_ms = 200);
    let before = held(&hub);
    drop(refused(&hub, 10, 60));
    wait_until("nothing of them is held", || held(&hub) == before);
}

#[test]
fn the_same_refusal_a_hundred_times_takes_little_and_is_told_each_time() {
    let hub = hub();
    let before = held(&hub);
    let mut client = Client::open_as(hub.clients(), &hello_of([1; 16]));
    client.send(&event("**", b"\x01").repeat(100));
    client.barrier();
    drop(client);
    wait_until("it is away", || metric(&hub, "hub_connections") == 0);
    assert!(held(&hub) - before < 2_000, "{}", held(&hub));
    let mut hello = hello_of([1; 16]);
    hello.receipted = Some(0);
    let mut client = Client::open_as(hub.clients(), &hello);
    assert!(client.welcome().resumed);
    let told: Vec<u64> = client
        .barrier()
        .iter()
        .filter_map(|got| match got {
            Got::Refused(refused) => Some(refused.number),
            _ => None,
        })
        .collect();
    assert_eq!(told, (0..100).collect::<Vec<_>>());
}

/// One read of a client can ask for many times as many bytes of answers.
#[test]
fn answers_that_nobody_reads_are_bounded_and_none_is_lost() {
    const EVENTS: u64 = 100_000;
    const BOUND: u64 = 256 * 1024;
    let hub = hub();
    let mut client = open_narrow(hub.clients());
    // The connection itself counts, too.
    let before = held(&hub);
    let mut writer = client.writer();
    let writing = std::thread::spawn(move || {
        writer.write_all(&event("**", b"\x01").repeat(EVENTS as usize)).unwrap();
    });
    wait_until("it is not read from any more", || held(&hub) - before >= BOUND);
    // Its answers, what one read took, and the steps of the count.
    for _ in 0..20 {
        assert!(held(&hub) - before < 5 * BOUND / 2, "{}", held(&hub) - before);
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let mut next = 0;
    while next < EVENTS {
        if let Got::Refused(refused) = client.next() {
            assert_eq!((refused.what, refused.number), (RefusedWhat::Event, next));
            next += 1;
        }
    }
    writing.join().unwrap();
    client.barrier();
    wait_until("nothing of it is held", || held(&hub) == before);
}
