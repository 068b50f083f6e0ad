//! A client whose events wait for room at a subscriber is heard all the same when it says what it has
//! finished (PROTOCOL.md, section 7). Otherwise clients that consume and publish on one connection
//! under `block` would wait for one another for ever.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_server::RunningHub;
use hub_wire::{Frame, Overflow, Subscribe, Taken, Window};
use std::time::Duration;
use support::*;

/// Returns a hub whose queues are soon full.
fn small() -> RunningHub {
    hub_with(|config| {
        config.max_frame_bytes = 16 * 1024;
        config.queue_bytes = 64 * 1024;
    })
}

/// Makes a SUBSCRIBE with the policy `block` and a window of one event.
fn one_by_one(id: u64, filter: &str) -> Subscribe {
    let window = Some(Window { events: 1, bytes: 1 << 20 });
    Subscribe { window, overflow: Overflow::Block, ..subscription(id, filter) }
}

fn taken(subscription: u64, taken: u64) -> Vec<u8> {
    Frame::Taken(Taken { subscription, taken, events: None, bytes: None }).to_bytes()
}

/// Sends events to a topic until the hub has not accepted one for a while. Returns how many were sent.
fn publish_until_held(client: &mut Client, topic: &str) -> u64 {
    let (mut sent, mut accepted) = (0, 0);
    loop {
        client.send(&event(topic, &numbered(sent, 1024)));
        sent += 1;
        while accepted < sent {
            match client.next_within(Duration::from_secs(2)) {
                Some(Got::Receipt(next)) => accepted = next,
                Some(other) => panic!("{other:?}"),
                None => return sent,
            }
        }
    }
}

#[test]
fn while_the_events_of_the_client_wait() {
    const EVENTS: u64 = 20;
    let hub = small();
    let mut full = Client::open(hub.clients());
    full.subscribe(&one_by_one(1, "out"));
    let mut client = Client::open(hub.clients());
    client.subscribe(&one_by_one(1, "in"));
    let held = publish_until_held(&mut client, "out");
    let mut other = Client::open(hub.clients());
    for n in 0..EVENTS {
        other.send(&event("in", &numbered(n, 100)));
    }
    other.barrier();
    for n in 1..=EVENTS {
        let Got::Event(event) = client.next() else { panic!("event {n} of {EVENTS}") };
        assert_eq!(event.number, n);
        // More events in front of the frame change nothing.
        client.send(&[event_of(n), taken(1, n), ping(n)].concat());
    }
    // Everything else keeps its place: the events are accepted, and the PINGs are answered behind them.
    let (mut receipt, mut pongs, mut got) = (0, 0, 0);
    while receipt < held + EVENTS || pongs < EVENTS {
        while let Some(Got::Event(_)) = full.next_within(Duration::from_millis(1)) {
            got += 1;
            full.send(&taken(1, got));
        }
        match client.next_within(Duration::from_millis(1)) {
            Some(Got::Receipt(next)) => receipt = next,
            Some(Got::Pong(token)) => {
                pongs += 1;
                assert_eq!(token, pongs);
                assert!(receipt >= held + token, "the PONG is a barrier");
            }
            Some(other) => panic!("{other:?}"),
            None => {}
        }
    }
}

fn event_of(n: u64) -> Vec<u8> {
    event("out", &numbered(n, 1024))
}

/// Each of two clients consumes what the other publishes, one event at a time. The first one publishes
/// many events at once; the second one finishes an event only when its own event is accepted.
#[test]
fn two_clients_that_consume_and_publish_under_block_do_not_stand_still() {
    const EVENTS: u64 = 300;
    const OPEN: u64 = 60;
    let hub = small();
    let mut first = Client::open(hub.clients());
    first.subscribe(&one_by_one(1, "answers"));
    let mut second = Client::open(hub.clients());
    second.subscribe(&one_by_one(1, "asks"));
    let answering = std::thread::spawn(move || {
        for n in 1..=EVENTS {
            let asked = second.event();
            assert_eq!(asked.number, n);
            second.send(&event("answers", &numbered(n, 1024)));
            while second.next() != Got::Receipt(n) {}
            second.send(&taken(1, n));
        }
    });
    let (mut sent, mut accepted, mut answers) = (0, 0, 0);
    while answers < EVENTS {
        while sent < EVENTS && sent < accepted + OPEN {
            first.send(&event("asks", &numbered(sent, 1024)));
            sent += 1;
        }
        match first.next() {
            Got::Receipt(next) => accepted = next,
            Got::Event(event) => {
                answers += 1;
                assert_eq!(event.number, answers);
                first.send(&taken(1, answers));
            }
            other => panic!("{other:?}"),
        }
    }
    answering.join().unwrap();
}
