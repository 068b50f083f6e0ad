//! One of 101 subscribers stops reading while tens of megabytes are published. The other 100 get
//! everything in order; what waits for the stalled one stays within its queue; and when it reads
//! again, what it got and what GAPs announced add up. One test for each overflow policy.
//!
//! The publisher here never runs ahead of the 100 by more than their queues hold, so that none of
//! them can lose an event because the test's machine is busy.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_server::RunningHub;
use hub_wire::{CloseCode, GapReason, Overflow, Subscribe};
use std::collections::HashMap;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use support::*;

const PAD: usize = 16 * 1024;
const EVENTS: u64 = 2_000;
/// How far the publisher runs ahead of the slowest subscriber that reads.
const WINDOW: u64 = 16;
/// What may wait beside `queue_bytes`: one run, which is what one read of a publisher holds.
const ONE_RUN: u64 = 128 * 1024;

/// Subscribers that read all the time and check every number.
struct Crowd {
    readers: Vec<JoinHandle<()>>,
    progress: Vec<Arc<AtomicU64>>,
}

impl Crowd {
    fn new(address: SocketAddr, topic: &'static str, size: usize, events: u64) -> Crowd {
        let mut crowd = Crowd { readers: Vec::new(), progress: Vec::new() };
        for _ in 0..size {
            let mut client = Client::open(address);
            client.subscribe(&subscription(1, topic));
            let progress = Arc::new(AtomicU64::new(0));
            crowd.progress.push(progress.clone());
            crowd.readers.push(std::thread::spawn(move || {
                for n in 0..events {
                    let event = client.event();
                    assert_eq!((event.number, id_in(&event.payload)), (n + 1, n));
                    progress.store(n + 1, Ordering::Release);
                }
                assert_eq!(client.barrier(), []);
            }));
        }
        crowd
    }

    fn wait_for(&self, number: u64) {
        let mut readers = self.progress.iter().zip(&self.readers).peekable();
        wait_until("the subscribers that read have read", || {
            while let Some((progress, reader)) = readers.peek() {
                // In this order: a reader that is finished has said before how far it came.
                let failed = reader.is_finished();
                if progress.load(Ordering::Acquire) < number {
                    assert!(!failed, "a reader failed");
                    return false;
                }
                readers.next();
            }
            true
        });
    }

    fn join(self) {
        for reader in self.readers {
            reader.join().unwrap();
        }
    }
}

fn key_of(n: u64) -> String {
    format!("key-{}", n % 20)
}

/// Publishes `EVENTS` to `topic`, not faster than `crowd` reads.
fn publish(hub: &RunningHub, topic: &str, crowd: &Crowd) {
    let mut publisher = Client::open(hub.clients());
    for first in (0..EVENTS).step_by(WINDOW as usize) {
        let batch: Vec<u8> = (first..EVENTS.min(first + WINDOW))
            .flat_map(|n| event_with(topic, &numbered(n, PAD), &[("key", &key_of(n))]))
            .collect();
        publisher.send(&batch);
        crowd.wait_for(first.saturating_sub(WINDOW));
    }
    let answers = publisher.barrier();
    assert!(answers.iter().all(|got| matches!(got, Got::Receipt(_))), "{answers:?}");
    crowd.wait_for(EVENTS);
}

fn with_policy(overflow: Overflow) -> Subscribe {
    Subscribe { overflow, ..subscription(1, "load") }
}

/// One that stalls and 100 that read; returns the hub and the stalled one, to be read from.
fn stall(overflow: Overflow) -> (RunningHub, Client) {
    // One that is cut off gets what is written for so long, and reads only behind the crowd.
    let hub = hub_with(|config| config.drain_ms = 60_000);
    let mut stalled = open_narrow(hub.clients());
    stalled.subscribe(&with_policy(overflow));
    let crowd = Crowd::new(hub.clients(), "load", 100, EVENTS);
    publish(&hub, "load", &crowd);
    crowd.join();
    let sums = Sums::of(&hub);
    eprintln!("{overflow:?}: {sums:?}");
    if overflow != Overflow::Disconnect {
        assert_eq!(sums.due, 101 * EVENTS);
    }
    let queue_bytes = hub_server::Config::default().queue_bytes as u64;
    assert!(sums.pending * PAD as u64 <= queue_bytes + ONE_RUN, "{sums:?}");
    (hub, stalled)
}

/// Reads until everything is accounted for.
fn catch_up(stalled: &mut Client) -> (Seen, HashMap<String, u64>) {
    let (mut seen, mut newest) = (Seen::default(), HashMap::new());
    while seen.total() < EVENTS {
        let got = stalled.next();
        seen.take(&got);
        if let Got::Event(event) = &got {
            let id = id_in(&event.payload);
            assert_eq!(id + 1, event.number);
            newest.insert(key_of(id), id);
        }
    }
    (seen, newest)
}

/// Neighbouring gaps become one. There can be some, because a socket that nobody reads from takes a
/// little more at times.
fn few(seen: &Seen) {
    assert!(seen.gaps.len() <= 10, "{:?}", seen.gaps);
}

/// Every delivery is accounted for once nothing waits any more.
fn balances(hub: &RunningHub, seen: &Seen) {
    let sums = Sums::settled(hub);
    assert_eq!(sums.delivered, 100 * EVENTS + seen.events, "{sums:?}");
    assert_eq!(sums.overflow + sums.conflated, seen.missing, "{sums:?}");
    assert_eq!(metric(hub, "hub_gaps_total"), seen.gaps.len() as u64);
}

#[test]
fn drop_oldest_keeps_the_newest() {
    let (hub, mut stalled) = stall(Overflow::DropOldest);
    let (seen, newest) = catch_up(&mut stalled);
    assert_eq!(newest[&key_of(EVENTS - 1)], EVENTS - 1, "the last event arrived");
    few(&seen);
    assert!(seen.missing > EVENTS / 2, "{seen:?}");
    assert_eq!(seen.missing_because(GapReason::Overflow), seen.missing);
    balances(&hub, &seen);
    assert_eq!(stalled.barrier(), []);
}

#[test]
fn drop_newest_keeps_the_oldest() {
    let (hub, mut stalled) = stall(Overflow::DropNewest);
    let (seen, _) = catch_up(&mut stalled);
    let oldest = seen.gaps.first().map_or(0, |gap| gap.from - 1);
    // Behind the first that did not fit, smaller runs still may.
    assert!(oldest > 0 && seen.events - oldest < oldest, "{oldest} of {seen:?}");
    assert_eq!(seen.missing_because(GapReason::Overflow), seen.missing);
    balances(&hub, &seen);
}

#[test]
fn latest_keeps_the_newest_of_each_key() {
    let (hub, mut stalled) = stall(Overflow::Latest);
    let (seen, newest) = catch_up(&mut stalled);
    for n in EVENTS - 20..EVENTS {
        assert_eq!(newest[&key_of(n)], n, "the newest of {}", key_of(n));
    }
    // All twenty keys fit into the queue, so nothing is lost but what was replaced.
    assert_eq!(seen.missing_because(GapReason::Conflated), seen.missing);
    balances(&hub, &seen);
    assert_eq!(stalled.barrier(), []);
}

#[test]
fn disconnect_says_when_to_come_back_and_what_was_missed() {
    let (hub, mut stalled) = stall(Overflow::Disconnect);
    let all = stalled.rest();
    let [got @ .., Got::Close(close), Got::End] = all.as_slice() else {
        panic!("it ended with {:?}", &all[all.len().saturating_sub(2)..]);
    };
    assert_eq!(close.code, CloseCode::SlowConsumer);
    assert_eq!(close.retry_after_ms, Some(hub_server::Config::default().retry_after_ms));
    let mut seen = Seen::default();
    got.iter().for_each(|got| seen.take(got));
    assert!(seen.gaps.is_empty(), "{:?}", seen.gaps);
    // Back again, it is told what it missed.
    let last = events(got).last().map(|event| (event.epoch, event.number));
    let (epoch, number) = last.unwrap();
    let mut back = Client::open(hub.clients());
    let past = back.subscribe(&subscription_after(1, "load", &[("load", epoch, number)]));
    past.iter().for_each(|got| seen.take(got));
    assert_eq!(seen.total(), EVENTS);
    assert_eq!(seen.missing_because(GapReason::Away), seen.missing);
    let sums = Sums::settled(&hub);
    assert_eq!(sums.disconnected + sums.delivered, sums.due, "{sums:?}");
}

/// Each of them may make publishers wait for its grace, once, and not for ever.
#[test]
fn several_stalled_subscribers_disturb_nobody_either() {
    let hub = hub();
    let mut stalled: Vec<_> = (0..5).map(|_| open_narrow(hub.clients())).collect();
    for client in &mut stalled {
        client.subscribe(&with_policy(Overflow::DropOldest));
    }
    let crowd = Crowd::new(hub.clients(), "load", 5, EVENTS);
    publish(&hub, "load", &crowd);
    crowd.join();
    for client in &mut stalled {
        let (seen, _) = catch_up(client);
        assert!(seen.missing > 0);
    }
}

/// Two that talk on a topic of their own.
fn talk(hub: &RunningHub) {
    let mut subscriber = Client::open(hub.clients());
    subscriber.subscribe(&subscription(1, "elsewhere"));
    let mut publisher = Client::open(hub.clients());
    for n in 0..200 {
        publisher.send(&event("elsewhere", &numbered(n, 1_000)));
        assert_eq!(id_in(&subscriber.event().payload), n);
    }
}

/// A stalled subscriber with `block`, one that reads, and a publisher that is made to wait. The
/// thread is the publisher.
fn block(hub: &RunningHub) -> (Client, Client, JoinHandle<()>) {
    let mut stalled = open_narrow(hub.clients());
    stalled.subscribe(&with_policy(Overflow::Block));
    let mut reading = Client::open(hub.clients());
    reading.subscribe(&with_policy(Overflow::Block));
    let mut publisher = Client::open(hub.clients());
    let thread = std::thread::spawn(move || {
        for n in 0..EVENTS {
            publisher.send(&event("load", &numbered(n, PAD)));
        }
        publisher.barrier();
    });
    let mut before = u64::MAX;
    wait_until("the publisher waits", || {
        let events = metric(hub, "hub_events_total");
        std::thread::sleep(Duration::from_millis(300));
        std::mem::replace(&mut before, events) == events && events > 0
    });
    (stalled, reading, thread)
}

fn all_in_order(mut client: Client) {
    let mut seen = Seen::default();
    while seen.total() < EVENTS {
        seen.take(&client.next());
    }
    assert_eq!(seen.events, EVENTS);
}

#[test]
fn block_slows_its_publishers_and_loses_nothing() {
    let hub = hub();
    let (stalled, reading, publisher) = block(&hub);
    let reading = std::thread::spawn(move || all_in_order(reading));
    assert!(!publisher.is_finished());
    let published = metric(&hub, "hub_events_total");
    assert!(published < EVENTS, "{published}");
    let queue_bytes = hub_server::Config::default().queue_bytes as u64;
    let sums = Sums::of(&hub);
    assert!(sums.pending * PAD as u64 <= 2 * (queue_bytes + ONE_RUN), "{sums:?}");
    talk(&hub);
    assert!(!publisher.is_finished(), "nothing made it go on");
    all_in_order(stalled);
    reading.join().unwrap();
    publisher.join().unwrap();
    let sums = Sums::settled(&hub);
    assert_eq!((sums.due, sums.delivered), (2 * EVENTS + 200, 2 * EVENTS + 200), "{sums:?}");
}

#[test]
fn publishers_go_on_when_the_one_they_waited_for_is_gone() {
    let hub = hub();
    let (stalled, reading, publisher) = block(&hub);
    drop(stalled);
    all_in_order(reading);
    publisher.join().unwrap();
}

#[test]
fn publishers_go_on_when_the_one_they_waited_for_unsubscribes() {
    let hub = hub();
    let (mut stalled, reading, publisher) = block(&hub);
    stalled.send(&unsubscribe(1));
    all_in_order(reading);
    publisher.join().unwrap();
}

/// A hub whose queues are so small that they overflow all the time.
fn small_hub() -> RunningHub {
    hub_with(|config| {
        config.max_frame_bytes = 16 * 1024;
        config.queue_bytes = 64 * 1024;
        config.overflow_grace_ms = 1;
    })
}

/// Publishes `count` events of up to 3 KB to 50 topics at random, in batches of up to 20.
fn publish_to_many(mut publisher: Client, count: u64, mut random: Random) {
    let mut sent = 0;
    while sent < count {
        let batch = (1 + random.next() % 20).min(count - sent);
        let mut bytes = Vec::new();
        for _ in 0..batch {
            let topic = format!("many.{}", random.below(50));
            let key = format!("{}", random.below(8));
            let payload = numbered(sent, random.below(3_000));
            bytes.extend(event_with(&topic, &payload, &[("key", &key)]));
            sent += 1;
        }
        publisher.send(&bytes);
    }
    publisher.barrier();
}

/// Whatever is on its way out already: what waits behind it is what the policy keeps.
#[test]
fn a_small_queue_keeps_the_newest_too() {
    for overflow in [Overflow::DropOldest, Overflow::Latest] {
        let hub = small_hub();
        let mut stalled = open_narrow(hub.clients());
        stalled.subscribe(&with_policy(overflow));
        let mut publisher = Client::open(hub.clients());
        for n in 0..1_000 {
            publisher.send(&event_with("load", &numbered(n, 12_000), &[("key", "k")]));
        }
        publisher.barrier();
        let (mut seen, mut newest) = (Seen::default(), 0);
        while seen.total() < 1_000 {
            let got = stalled.next();
            seen.take(&got);
            if let Got::Event(event) = got {
                newest = event.number;
            }
        }
        assert_eq!(newest, 1_000, "{overflow:?} kept no newer one: {:?}", seen.gaps);
    }
}

/// A subscriber of 50 topics that reads a bit, stops, and reads again, while two publish.
fn reads_by_fits_and_starts(overflow: Overflow) {
    const EACH: u64 = 4_000;
    let seed = Random::seed("HUB_TEST_SEED");
    eprintln!("HUB_TEST_SEED={seed}");
    let hub = small_hub();
    let mut slow = open_narrow(hub.clients());
    slow.subscribe(&Subscribe { overflow, ..subscription(1, "many.*") });
    let publishers: Vec<_> = (0..2)
        .map(|n| {
            let publisher = Client::open(hub.clients());
            std::thread::spawn(move || publish_to_many(publisher, EACH, Random(seed + n)))
        })
        .collect();
    let mut random = Random(seed + 100);
    let mut seen = Seen::default();
    wait_until("something overflows", || {
        let sums = Sums::of(&hub);
        sums.overflow + sums.conflated > 0
    });
    while publishers.iter().any(|publisher| !publisher.is_finished()) {
        for _ in 0..random.below(300) {
            match slow.next_within(Duration::from_millis(20)) {
                Some(got) => seen.take(&got),
                None => break,
            }
        }
        std::thread::sleep(Duration::from_millis(random.below(30) as u64));
    }
    publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
    while seen.total() < 2 * EACH {
        seen.take(&slow.next());
    }
    eprintln!(
        "{overflow:?}: {} events, {} gaps for {}",
        seen.events,
        seen.gaps.len(),
        seen.missing
    );
    let sums = Sums::settled(&hub);
    assert_eq!(sums.due, 2 * EACH, "{sums:?}");
    assert_eq!((sums.delivered, sums.overflow + sums.conflated), (seen.events, seen.missing));
}

#[test]
fn drop_oldest_adds_up_in_every_topic() {
    reads_by_fits_and_starts(Overflow::DropOldest);
}

#[test]
fn drop_newest_adds_up_in_every_topic() {
    reads_by_fits_and_starts(Overflow::DropNewest);
}

#[test]
fn latest_adds_up_in_every_topic() {
    reads_by_fits_and_starts(Overflow::Latest);
}

#[test]
fn block_loses_nothing_in_any_topic() {
    let hub = small_hub();
    let mut slow = open_narrow(hub.clients());
    slow.subscribe(&Subscribe { overflow: Overflow::Block, ..subscription(1, "many.*") });
    let publisher = Client::open(hub.clients());
    let publisher = std::thread::spawn(move || publish_to_many(publisher, 3_000, Random(1)));
    let mut seen = Seen::default();
    while seen.total() < 3_000 {
        if seen.total() % 500 == 0 {
            std::thread::sleep(Duration::from_millis(20));
        }
        seen.take(&slow.next());
    }
    assert_eq!(seen.missing, 0);
    publisher.join().unwrap();
}

/// The hub goes on when the writer of a publisher is cut within a frame.
#[test]
fn a_publisher_cut_within_a_frame_harms_nobody() {
    let hub = hub();
    let mut subscriber = Client::open(hub.clients());
    subscriber.subscribe(&subscription(1, "load"));
    for n in 0..20 {
        let mut publisher = Client::open(hub.clients());
        let whole = event("load", &numbered(n, 1_000));
        publisher.send(&whole);
        publisher.socket.write_all(&whole[..500]).unwrap();
        drop(publisher);
        assert_eq!(id_in(&subscriber.event().payload), n);
    }
    assert_eq!(subscriber.barrier(), []);
}
