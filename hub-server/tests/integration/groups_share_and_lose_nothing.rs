//! Each event goes to one member of a queue group. A member that leaves, however it does, takes
//! nothing with it that was not sent yet.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_server::RunningHub;
use hub_wire::{CloseCode, Overflow, Subscribe};
use std::collections::BTreeMap;
use support::*;

fn member(id: u64, filter: &str) -> Subscribe {
    Subscribe { group: Some("workers".to_owned()), ..subscription(id, filter) }
}

fn publish(hub: &RunningHub, ids: std::ops::Range<u64>, pad: usize) {
    let mut publisher = Client::open(hub.clients());
    for n in ids {
        publisher.send(&event("jobs", &numbered(n, pad)));
    }
    let answers = publisher.barrier();
    assert!(answers.iter().all(|got| matches!(got, Got::Receipt(_))), "{answers:?}");
}

/// The ids of the events, which have to be for subscription `id`.
fn ids(got: &[Got], id: u64) -> Vec<u64> {
    for got in got {
        match got {
            Got::Event(event) => assert_eq!(event.subscriptions, [id]),
            Got::Gap(gap) => panic!("{gap:?}"),
            _ => {}
        }
    }
    events(got).iter().map(|event| id_in(&event.payload)).collect()
}

/// Each of the events is in exactly one of the parts.
fn shared(parts: &[Vec<u64>], count: u64) {
    let mut times: BTreeMap<u64, usize> = (0..count).map(|n| (n, 0)).collect();
    for id in parts.iter().flatten() {
        *times.entry(*id).or_default() += 1;
    }
    let wrong: Vec<_> = times.into_iter().filter(|(_, times)| *times != 1).take(20).collect();
    assert!(wrong.is_empty(), "event and how often it came: {wrong:?}");
}

#[test]
fn each_event_goes_to_one_member_and_to_every_plain_subscriber() {
    const EVENTS: u64 = 2_000;
    let hub = hub();
    let mut members: Vec<_> = (0..4).map(|_| Client::open(hub.clients())).collect();
    // One group whatever their filters are; two of one connection are two members.
    for (n, client) in members.iter_mut().enumerate() {
        client.subscribe(&member(n as u64, ["jobs", "*"][n % 2]));
    }
    let mut other_group = Client::open(hub.clients());
    other_group
        .subscribe(&Subscribe { group: Some("audit".to_owned()), ..subscription(7, "jobs") });
    let mut plain = Client::open(hub.clients());
    plain.subscribe(&subscription(1, "jobs"));
    publish(&hub, 0..EVENTS, 10);
    let parts: Vec<_> = members
        .iter_mut()
        .enumerate()
        .map(|(n, client)| ids(&client.barrier(), n as u64))
        .collect();
    shared(&parts, EVENTS);
    for part in &parts {
        assert!(part.is_sorted());
        // Shared fairly: runs are divided evenly, and the next one begins with another member.
        assert!(part.len() as u64 > EVENTS / 8, "{}", part.len());
    }
    assert_eq!(ids(&other_group.barrier(), 7), (0..EVENTS).collect::<Vec<_>>());
    assert_eq!(events(&plain.barrier()).len() as u64, EVENTS);
}

#[test]
fn two_members_of_one_connection_share_too() {
    let hub = hub();
    let mut client = Client::open(hub.clients());
    client.subscribe(&member(1, "jobs"));
    client.subscribe(&member(2, "jobs"));
    publish(&hub, 0..100, 10);
    let got = client.barrier();
    let of = |id| events(&got).iter().filter(|event| event.subscriptions == [id]).count();
    assert_eq!((of(1) + of(2), of(1) > 20, of(2) > 20), (100, true, true));
    client.send(&unsubscribe(1));
    client.barrier();
    publish(&hub, 100..200, 10);
    assert_eq!(ids(&client.barrier(), 2), (100..200).collect::<Vec<_>>());
}

const MANY: u64 = 600;
const PAD: usize = 16 * 1024;

/// A member that does not read, one that will, and events waiting for both.
fn one_stalls() -> (RunningHub, Client, Client) {
    let hub = hub_with(|config| {
        config.queue_bytes = 64 * 1024 * 1024;
        config.drain_ms = 60_000;
    });
    let mut stalled = open_narrow(hub.clients());
    stalled.subscribe(&member(1, "jobs"));
    let mut stays = Client::open(hub.clients());
    stays.subscribe(&member(2, "jobs"));
    publish(&hub, 0..MANY, PAD);
    assert!(metric(&hub, "hub_deliveries_pending") > 20, "nothing waits");
    (hub, stalled, stays)
}

#[test]
fn a_member_that_unsubscribes_leaves_what_was_not_sent() {
    let (hub, mut stalled, mut stays) = one_stalls();
    let before = ids(&stays.barrier(), 2);
    stalled.send(&unsubscribe(1));
    // Reading would let the hub send it more before it hears of that.
    wait_until("it has left", || metric(&hub, "hub_subscriptions") == 1);
    let sent = ids(&stalled.barrier(), 1);
    let left = ids(&stays.barrier(), 2);
    assert!(!left.is_empty(), "nothing was left to the other");
    shared(&[before, sent, left], MANY);
}

#[test]
fn a_member_that_says_goodbye_leaves_what_was_not_sent() {
    let (_hub, mut stalled, mut stays) = one_stalls();
    stalled.send(&goodbye());
    let mut all = stalled.rest();
    assert_eq!(all.pop(), Some(Got::End));
    assert!(matches!(all.pop(), Some(Got::Close(close)) if close.code == CloseCode::Normal));
    shared(&[ids(&all, 1), ids(&stays.barrier(), 2)], MANY);
}

#[test]
fn a_member_whose_socket_is_gone_leaves_what_was_not_sent() {
    let (hub, stalled, mut stays) = one_stalls();
    drop(stalled);
    wait_until("the hub sees it", || metric(&hub, "hub_connections") == 1);
    let mut got = Vec::new();
    wait_until("nothing waits any more", || {
        got.extend(stays.barrier());
        metric(&hub, "hub_deliveries_pending") == 0
    });
    got.extend(stays.barrier());
    let got = ids(&got, 2);
    let sums = Sums::of(&hub);
    // What the other did not get was handed to the gone one's socket, all but what a write was in
    // the middle of.
    assert_eq!(sums.delivered + sums.disconnected, MANY, "{sums:?}");
    assert!(sums.disconnected <= 8, "more than one run was lost: {sums:?}");
    let missing: Vec<u64> = (0..MANY).filter(|id| !got.contains(id)).collect();
    assert_eq!(missing.len() as u64, MANY - got.len() as u64, "an event came twice");
    // It is the oldest of the gone one's share that is lost: what came later than the last of them
    // came to the other, be it as its own share or as what was left.
    let reclaimed = got.windows(2).filter(|pair| pair[0] > pair[1]).count();
    assert!(reclaimed > 0, "nothing was left to the other");
    let first_left = got[got.windows(2).position(|pair| pair[0] > pair[1]).unwrap() + 1];
    assert!(missing.iter().all(|id| *id < first_left), "{first_left} was left, lost: {missing:?}");
}

/// Its other subscription overflows, its policy is to be disconnected: the group's share that waits
/// is not what was too much.
#[test]
fn a_member_that_is_too_slow_leaves_what_was_not_sent() {
    let hub = hub_with(|config| config.overflow_grace_ms = 1);
    let mut stalled = open_narrow(hub.clients());
    stalled.subscribe(&member(1, "jobs"));
    let disconnect = Subscribe { overflow: Overflow::Disconnect, ..subscription(3, "noise") };
    stalled.subscribe(&disconnect);
    let mut publisher = Client::open(hub.clients());
    // Fills the socket, so that the group's events wait in the queue.
    let noise = event("noise", &numbered(0, PAD));
    while metric(&hub, "hub_deliveries_pending") == 0 {
        publisher.send(&noise);
        publisher.barrier();
    }
    let mut stays = Client::open(hub.clients());
    stays.subscribe(&member(2, "jobs"));
    publish(&hub, 0..100, 1_000);
    while metric(&hub, "hub_subscriptions") == 3 {
        publisher.send(&noise);
        publisher.barrier();
    }
    let mut all = stalled.rest();
    assert_eq!(all.pop(), Some(Got::End));
    assert!(matches!(all.pop(), Some(Got::Close(close)) if close.code == CloseCode::SlowConsumer));
    all.retain(|got| matches!(got, Got::Event(event) if event.topic == "jobs"));
    shared(&[ids(&all, 1), ids(&stays.barrier(), 2)], 100);
}

/// Members come and go all the time; what one of them reads to its end is never missing.
#[test]
fn nothing_is_lost_while_members_come_and_go() {
    const EVENTS: u64 = 6_000;
    let seed = Random::seed("HUB_TEST_SEED");
    eprintln!("HUB_TEST_SEED={seed}");
    let mut random = Random(seed);
    let hub = hub();
    let mut stays = Client::open(hub.clients());
    stays.subscribe(&member(0, "jobs"));
    let address = hub.clients();
    let others: Vec<_> = (0..4)
        .map(|n| {
            let mut random = Random(seed + 1 + n);
            std::thread::spawn(move || {
                let mut got = Vec::new();
                for _ in 0..8 {
                    let mut client = Client::open(address);
                    // Deliveries can begin before SUBSCRIBED.
                    got.extend(ids(&client.subscribe(&member(1, "jobs")), 1));
                    for _ in 0..random.below(5) {
                        got.extend(ids(&client.barrier(), 1));
                    }
                    client.send(&unsubscribe(1));
                    if random.below(2) == 0 {
                        got.extend(ids(&client.barrier(), 1));
                        client.finish();
                    } else {
                        client.send(&goodbye());
                    }
                    got.extend(ids(&client.rest(), 1));
                }
                got
            })
        })
        .collect();
    let mut publisher = Client::open(hub.clients());
    let mut parts = vec![Vec::new()];
    let mut sent = 0;
    while sent < EVENTS {
        let batch = (1 + random.next() % 30).min(EVENTS - sent);
        let bytes: Vec<u8> =
            (sent..sent + batch).flat_map(|n| event("jobs", &numbered(n, 200))).collect();
        publisher.send(&bytes);
        sent += batch;
        if random.below(4) == 0 {
            parts[0].extend(ids(&stays.barrier(), 0));
        }
    }
    publisher.barrier();
    parts.extend(others.into_iter().map(|thread| thread.join().unwrap()));
    parts[0].extend(ids(&stays.barrier(), 0));
    shared(&parts, EVENTS);
}
