//! A PONG comes after everything before its PING was taken care of (PROTOCOL.md, section 10): events
//! are published or refused, subscriptions are in effect and answered, and every delivery and every
//! GAP that was queued by then was sent. And nothing comes behind a CLOSE.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_server::RunningHub;
use hub_wire::{CloseCode, Overflow, RefusedCode, Subscribe, frame_with};
use support::*;

#[test]
fn events_before_it_are_published_and_refusals_were_sent() {
    let hub = hub();
    let mut publisher = Client::open(hub.clients());
    let mut subscriber = Client::open(hub.clients());
    subscriber.subscribe(&subscription(1, "*"));
    for round in 0..50 {
        let mut batch = Vec::new();
        for n in 0..100 {
            batch.extend(event(["a", "b", "$no", "c"][n % 4], &numbered(n as u64, 10)));
        }
        publisher.send(&batch);
        let answers = publisher.barrier();
        let refused: Vec<u64> = answers
            .iter()
            .filter_map(|got| match got {
                Got::Refused(refused) => Some(refused.number % 100),
                _ => None,
            })
            .collect();
        assert_eq!(refused, (0..25).map(|n| 4 * n + 2).collect::<Vec<u64>>(), "round {round}");
        // Published means: in the subscriber's queue before its own PONG is.
        let got = subscriber.barrier();
        assert_eq!(events(&got).len(), 75, "round {round}");
    }
}

#[test]
fn subscriptions_before_it_are_in_effect() {
    let hub = hub();
    let mut publisher = Client::open(hub.clients());
    let mut subscriber = Client::open(hub.clients());
    // Topics that exist have actors of their own, on both threads.
    for n in 0..40 {
        publisher.send(&event(&format!("t.{n}"), b"\x01"));
    }
    publisher.barrier();
    for round in 0..30 {
        subscriber.send(&subscribe(&subscription(round, "t.*")));
        subscriber.send(&subscribe(&subscription(1_000 + round, &format!("new.{round}"))));
        let answers = subscriber.barrier();
        assert_eq!(answers, [Got::Subscribed(round), Got::Subscribed(1_000 + round)]);
        for n in 0..40 {
            publisher.send(&event(&format!("t.{n}"), b"\x01"));
        }
        publisher.send(&event(&format!("new.{round}"), b"\x01"));
        publisher.barrier();
        let got = subscriber.barrier();
        assert_eq!(events(&got).len(), 41, "round {round}");
        subscriber.send(&unsubscribe(round));
        subscriber.send(&unsubscribe(1_000 + round));
        assert_eq!(subscriber.barrier(), [], "round {round}");
        for n in 0..40 {
            publisher.send(&event(&format!("t.{n}"), b"\x01"));
        }
        publisher.barrier();
        assert_eq!(subscriber.barrier(), [], "round {round}: nothing comes after it ended");
    }
}

/// The id of a subscription that ended may be used again at once behind its PONG.
#[test]
fn an_id_can_be_used_again() {
    let hub = hub();
    let mut client = Client::open(hub.clients());
    for filter in ["a", "b", "*"] {
        client.subscribe(&subscription(1, filter));
        client.send(&[event("a", b"\x01"), event("b", b"\x02")].concat());
        let got = client.barrier();
        assert_eq!(events(&got).len(), if filter == "*" { 2 } else { 1 });
        client.send(&unsubscribe(1));
        client.barrier();
    }
}

/// In one write: events on both sides of a SUBSCRIBE and of an UNSUBSCRIBE.
#[test]
fn what_one_client_sends_takes_effect_in_its_order() {
    let hub = hub();
    let mut client = Client::open(hub.clients());
    for _ in 0..50 {
        let all = [
            event("t", &numbered(0, 0)),
            subscribe(&subscription(1, "t")),
            event("t", &numbered(1, 0)),
            event("t", &numbered(2, 0)),
            unsubscribe(1),
            event("t", &numbered(3, 0)),
        ];
        client.send(&all.concat());
        let got = client.barrier();
        let ids: Vec<u64> = events(&got).iter().map(|event| id_in(&event.payload)).collect();
        assert_eq!(ids, [1, 2]);
    }
}

/// Requests and other events of one client on one topic keep their order.
#[test]
fn requests_keep_their_place_among_the_events_of_a_topic() {
    let hub = hub();
    let mut subscriber = Client::open(hub.clients());
    subscriber.subscribe(&subscription(1, "t"));
    let mut publisher = Client::open(hub.clients());
    let batch: Vec<u8> = (0..20)
        .flat_map(|n| match n % 5 {
            1 | 2 => event_with("t", &numbered(n, 0), &[("reply", "answers"), ("id", "1")]),
            _ => event("t", &numbered(n, 0)),
        })
        .collect();
    publisher.send(&batch);
    publisher.barrier();
    let got = subscriber.barrier();
    let ids: Vec<u64> = events(&got).iter().map(|event| id_in(&event.payload)).collect();
    assert_eq!(ids, (0..20).collect::<Vec<_>>());
}

/// However its name is written in a frame, a topic is the same one.
#[test]
fn a_topic_keeps_its_order_in_every_form_of_its_name() {
    let hub = hub();
    let mut subscriber = Client::open(hub.clients());
    subscriber.subscribe(&subscription(1, "*"));
    let mut publisher = Client::open(hub.clients());
    let name: [&[u8]; 3] = [b"\xa1t", b"\xd9\x01t", b"\xda\0\x01t"];
    let mut batch = Vec::new();
    for n in 0..30 {
        frame_with(&mut batch, |out| {
            out.extend_from_slice(b"\x93\x03");
            out.extend_from_slice(name[n as usize % 3]);
            out.extend_from_slice(&numbered(n, 0));
        });
        batch.extend(event("u", &numbered(100 + n, 0)));
    }
    publisher.send(&batch);
    publisher.barrier();
    let got = subscriber.barrier();
    let mut ids: Vec<u64> = events(&got).iter().map(|event| id_in(&event.payload)).collect();
    ids.retain(|id| *id < 100);
    assert_eq!(ids, (0..30).collect::<Vec<_>>());
}

/// A subscriber that did not read, with a queue full of events on `t`; returns how many were sent.
fn overfull(hub: &RunningHub, overflow: Overflow) -> (Client, u64) {
    const EVENTS: u64 = 1_000;
    let mut subscriber = open_narrow(hub.clients());
    subscriber.subscribe(&Subscribe { overflow, ..subscription(1, "t") });
    let mut publisher = Client::open(hub.clients());
    for n in 0..EVENTS {
        publisher.send(&event_with("t", &numbered(n, 12_000), &[("key", "k")]));
    }
    publisher.barrier();
    (subscriber, EVENTS)
}

fn small_hub() -> RunningHub {
    hub_with(|config| {
        config.max_frame_bytes = 16 * 1024;
        config.queue_bytes = 64 * 1024;
        config.overflow_grace_ms = 1;
    })
}

const LOSING: [Overflow; 3] = [Overflow::DropOldest, Overflow::DropNewest, Overflow::Latest];

#[test]
fn gaps_come_before_it() {
    for overflow in LOSING {
        let hub = small_hub();
        let (mut subscriber, sent) = overfull(&hub, overflow);
        let mut seen = Seen::default();
        subscriber.barrier().iter().for_each(|got| seen.take(got));
        assert!(seen.events < sent);
        assert_eq!(seen.total(), sent, "{overflow:?}: all is delivered or announced");
    }
}

/// A RUN without events that says where a topic stands comes behind what it counts.
#[test]
fn gaps_come_before_a_position_that_counts_them() {
    for overflow in LOSING {
        let hub = small_hub();
        let (mut subscriber, sent) = overfull(&hub, overflow);
        let again = Subscribe { positions: true, overflow, ..subscription(2, "t") };
        let mut seen = Seen::default();
        let mut stands = None;
        for got in subscriber.subscribe(&again) {
            seen.take(&got);
            if let Got::Position { next, .. } = got {
                stands = Some((next, seen.total()));
            }
        }
        assert_eq!(stands, Some((sent + 1, sent)), "{overflow:?}");
    }
}

#[test]
fn nothing_comes_behind_close() {
    for overflow in LOSING {
        for hub_says_it_first in [false, true] {
            let hub = small_hub();
            let (mut subscriber, sent) = overfull(&hub, overflow);
            let code = if hub_says_it_first {
                std::thread::spawn(move || hub.stop());
                CloseCode::GoingAway
            } else {
                subscriber.send(&goodbye());
                CloseCode::Normal
            };
            let all = subscriber.rest();
            let at = all.iter().position(|got| matches!(got, Got::Close(_)));
            let (before, end) = all.split_at(at.unwrap());
            let [Got::Close(close), Got::End] = end else { panic!("{overflow:?}: {end:?}") };
            assert_eq!(close.code, code);
            let mut seen = Seen::default();
            before.iter().for_each(|got| seen.take(got));
            assert_eq!(seen.total(), sent, "{overflow:?}: all is delivered or announced");
        }
    }
}

#[test]
fn an_unknown_id_is_answered_before_it() {
    let hub = hub();
    let mut client = Client::open(hub.clients());
    client.send(&unsubscribe(5));
    let got = client.barrier();
    let [Got::Refused(refused)] = got.as_slice() else { panic!("{got:?}") };
    assert_eq!((refused.number, refused.code), (5, RefusedCode::UnknownSubscription));
}
