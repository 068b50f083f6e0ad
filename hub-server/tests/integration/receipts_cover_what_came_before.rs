//! A RECEIPT with `next` = n says that every event below n was accepted, or refused by name before
//! that RECEIPT (PROTOCOL.md, section 6). Accepted means: in every subscriber's queue.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_wire::{Hello, RefusedCode};
use std::collections::HashSet;
use std::time::Duration;
use support::*;

#[test]
fn every_event_is_accepted_or_refused_by_name() {
    const EVENTS: u64 = 5_000;
    let seed = Random::seed("HUB_TEST_SEED");
    eprintln!("HUB_TEST_SEED={seed}");
    let mut random = Random(seed);
    let hub = hub();
    let mut subscriber = Client::open(hub.clients());
    subscriber.subscribe(&subscription(1, "**"));
    let mut publisher = Client::open(hub.clients());
    // Good ones on several topics among bad ones of all kinds.
    let kinds: Vec<_> = (0..EVENTS).map(|_| random.below(8)).collect();
    let frame = |n: u64| match kinds[n as usize] {
        0 => event("$hub.mine", &numbered(n, 5)),
        1 => event("a..b", &numbered(n, 5)),
        2 => event_with("asks.nobody", &numbered(n, 5), &[("$x", "1")]),
        topic => event(&format!("t.{topic}"), &numbered(n, 5)),
    };
    let bytes: Vec<u8> = (0..EVENTS).flat_map(frame).collect();
    let mut writer = publisher.writer();
    let writing = std::thread::spawn(move || {
        use std::io::Write;
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(1 + random.below(20_000)));
            writer.write_all(now).unwrap();
            rest = later;
        }
    });
    let (mut receipt, mut refused) = (0, HashSet::new());
    while receipt < EVENTS {
        match publisher.next() {
            Got::Receipt(next) => {
                assert!(next > receipt, "a receipt that says nothing new");
                receipt = next;
            }
            Got::Refused(r) => {
                assert!(r.number >= receipt, "refused behind its receipt");
                assert!(refused.insert(r.number), "refused twice");
            }
            other => panic!("{other:?}"),
        }
    }
    writing.join().unwrap();
    let bad = (0..EVENTS).filter(|n| kinds[*n as usize] < 3).collect::<HashSet<_>>();
    assert_eq!(refused, bad);
    // What a receipt covers is queued, so it comes before the PONG to a later PING.
    let got = subscriber.barrier();
    let arrived: HashSet<u64> = events(&got).iter().map(|event| id_in(&event.payload)).collect();
    assert_eq!(arrived, (0..EVENTS).filter(|n| !bad.contains(n)).collect());
}

#[test]
fn they_are_sent_only_to_who_asked() {
    let hub = hub();
    let mut quiet = Client::open_as(hub.clients(), &Hello { receipts: false, ..hello("quiet") });
    quiet.send(&[event("a", b"\x01"), event("$hub", b"\x01")].concat());
    let got = quiet.barrier();
    let [Got::Refused(refused)] = got.as_slice() else { panic!("{got:?}") };
    assert_eq!((refused.number, refused.code), (1, RefusedCode::ReservedTopic));
}

/// They come by themselves, without a PING.
#[test]
fn each_batch_is_acknowledged_at_its_end() {
    let hub = hub();
    let mut client = Client::open(hub.clients());
    for n in 1..100 {
        client.send(&event("a", b"\x01"));
        assert_eq!(client.next(), Got::Receipt(n));
    }
}

/// A topic that the publisher knew has ended, and there is no room for it to begin anew: each of the
/// events is refused by its number.
#[test]
fn every_event_of_a_run_that_is_refused_late_is_named() {
    let hub = hub_with(|config| {
        config.max_topics = 1;
        config.topic_idle_ms = 10;
    });
    let mut publisher = Client::open(hub.clients());
    publisher.send(&event("known", b"\x01"));
    assert_eq!(publisher.barrier(), [Got::Receipt(1)]);
    wait_until("the topic is forgotten", || metric(&hub, "hub_topics") == 0);
    let mut other = Client::open(hub.clients());
    other.subscribe(&subscription(1, "other"));
    other.send(&event("other", b"\x01"));
    other.barrier();
    publisher.send(&event("known", b"\x01").repeat(3));
    let got = publisher.barrier();
    let refused: Vec<_> = got
        .iter()
        .filter_map(|got| match got {
            Got::Refused(refused) => Some((refused.number, refused.code)),
            _ => None,
        })
        .collect();
    let expected = [1, 2, 3].map(|n| (n, RefusedCode::TooManyTopics));
    assert_eq!(refused, expected, "{got:?}");
    assert_eq!(got.last(), Some(&Got::Receipt(4)));
}

/// While a publisher waits for a full subscriber, receipts cover only what is queued.
#[test]
fn what_waits_is_not_receipted() {
    use hub_wire::{Overflow, Subscribe};
    const EVENTS: u64 = 1_500;
    let hub = hub();
    let mut full = open_narrow(hub.clients());
    full.subscribe(&Subscribe { overflow: Overflow::Block, ..subscription(1, "t") });
    let mut publisher = Client::open(hub.clients());
    let mut writer = publisher.writer();
    let writing = std::thread::spawn(move || {
        use std::io::Write;
        for n in 0..EVENTS {
            writer.write_all(&event("t", &numbered(n, 16 * 1024))).unwrap();
        }
    });
    let (mut receipt, mut same) = (0, 0);
    wait_until("everything that is queued is receipted, and no more is queued", || {
        while let Some(got) = publisher.next_within(Duration::from_millis(200)) {
            let Got::Receipt(next) = got else { panic!("{got:?}") };
            receipt = next;
        }
        let queued = metric(&hub, "hub_events_total");
        assert!(receipt <= queued, "{receipt} of {queued}");
        same = if receipt == queued && receipt > 0 { same + 1 } else { 0 };
        same == 3
    });
    assert!(receipt < EVENTS);
    for n in 0..EVENTS {
        assert_eq!(id_in(&full.event().payload), n);
    }
    while receipt < EVENTS {
        let Got::Receipt(next) = publisher.next() else { panic!() };
        receipt = next;
    }
    writing.join().unwrap();
}
