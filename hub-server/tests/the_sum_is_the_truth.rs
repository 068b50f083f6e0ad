//! Promise: what the hub counts as held for its clients is what it holds. For any mix of clients, the count
//! and the bytes that the allocator has given out differ by less than a tenth of what the clients added.
//! When the clients are gone, nothing of them is counted any more.
//!
//! A global allocator counts in this program, so the file is a program of its own. The mix is drawn from a
//! seed, which is printed; `HUB_TEST_SEED` sets it.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use hub_server::RunningHub;
use hub_wire::{Overflow, Subscribe, Window};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;
use std::net::TcpStream;
use std::sync::Mutex;
use std::time::Duration;
use support::*;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The allocator counts for the whole process, so only one test runs at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// Each allocation takes about this many bytes beside what was asked for: the allocator's own header, and
/// what is lost by rounding up.
const OF_THE_ALLOCATOR: usize = 12;

/// Returns how many bytes are allocated in this process.
fn allocated() -> i64 {
    let stats = ALLOCATOR.stats();
    let blocks = stats.allocations - stats.deallocations;
    (stats.bytes_allocated - stats.bytes_deallocated + blocks * OF_THE_ALLOCATOR) as i64
}

fn held(hub: &RunningHub) -> i64 {
    metric(hub, "hub_memory_held_bytes") as i64
}

/// Returns the figure when it does not change any more.
fn settled(mut figure: impl FnMut() -> i64) -> i64 {
    let mut last = figure();
    for _ in 0..200 {
        std::thread::sleep(Duration::from_millis(50));
        let now = figure();
        if (now - last).abs() <= 2_048 {
            return now;
        }
        last = now;
    }
    last
}

type Sockets = Vec<TcpStream>;

/// Lets clients of one kind take memory. The sockets of the clients stay open.
type Kind = (&'static str, fn(&RunningHub, &mut Random) -> Sockets);

const KINDS: [Kind; 8] = [
    ("connections", connections),
    ("subscriptions", subscriptions),
    ("windows", windows),
    ("positions", positions),
    ("topics", topics),
    ("names", names),
    ("memberships", memberships),
    ("queues", queues),
];

fn name(random: &mut Random, what: &str) -> String {
    let tokens = 1 + random.below(8);
    let tokens: Vec<String> = (0..tokens).map(|_| format!("{:x}", random.next())).collect();
    format!("{what}.{}", tokens.join("."))
}

fn connections(hub: &RunningHub, random: &mut Random) -> Sockets {
    (0..300 + random.below(300)).map(|_| Client::open(hub.clients()).socket).collect()
}

fn subscriptions(hub: &RunningHub, random: &mut Random) -> Sockets {
    let mut client = Client::open(hub.clients());
    for id in 0..1_000 + random.below(1_000) as u64 {
        client.send(&subscribe(&subscription(id, &name(random, "filter"))));
    }
    client.barrier();
    vec![client.socket]
}

fn windows(hub: &RunningHub, random: &mut Random) -> Sockets {
    let mut client = Client::open(hub.clients());
    let window = Some(Window { events: 10, bytes: 1 << 20 });
    for id in 0..1_000 + random.below(1_000) as u64 {
        let one = Subscribe { window, ..subscription(id, &name(random, "window")) };
        client.send(&subscribe(&one));
    }
    client.barrier();
    vec![client.socket]
}

fn positions(hub: &RunningHub, random: &mut Random) -> Sockets {
    let names: Vec<String> = (0..2_000).map(|_| name(random, "seen")).collect();
    let seen: Vec<_> = names.iter().map(|name| (name.as_str(), 1, 1)).collect();
    let mut client = Client::open(hub.clients());
    for id in 0..3 + random.below(8) as u64 {
        client.send(&subscribe(&subscription_after(id, "nothing.here", &seen)));
    }
    client.barrier();
    vec![client.socket]
}

fn topics(hub: &RunningHub, random: &mut Random) -> Sockets {
    let mut client = Client::open(hub.clients());
    for _ in 0..500 + random.below(500) {
        client.send(&event(&name(random, "topic"), b"\x01"));
    }
    client.barrier();
    vec![client.socket]
}

fn names(hub: &RunningHub, random: &mut Random) -> Sockets {
    let topics: Vec<String> = (0..300).map(|_| name(random, "name")).collect();
    let events: Vec<u8> = topics.iter().flat_map(|topic| event(topic, b"\x01")).collect();
    (0..20 + random.below(20))
        .map(|_| {
            let mut client = Client::open(hub.clients());
            client.send(&events);
            client.barrier();
            client.socket
        })
        .collect()
}

fn memberships(hub: &RunningHub, random: &mut Random) -> Sockets {
    let mut client = Client::open(hub.clients());
    for _ in 0..100 {
        client.send(&event(&name(random, "member"), b"\x01"));
    }
    client.barrier();
    (0..5 + random.below(10))
        .map(|_| {
            let mut member = Client::open(hub.clients());
            for id in 0..1 + random.below(5) as u64 {
                member.send(&subscribe(&subscription(id, "member.**")));
            }
            member.barrier();
            member.socket
        })
        .chain([client.socket.try_clone().unwrap()])
        .collect()
}

fn queues(hub: &RunningHub, random: &mut Random) -> Sockets {
    let mut publisher = Client::open(hub.clients());
    let mut there = Vec::new();
    for _ in 0..2 + random.below(4) {
        let topic = name(random, "queue");
        let mut client = Client::open(hub.clients());
        let window = (random.below(2) == 0).then_some(Window { events: 1, bytes: 1 << 20 });
        let overflow = Overflow::DropOldest;
        client.subscribe(&Subscribe { overflow, window, ..subscription(1, &topic) });
        let size = 200 + random.below(20_000);
        for n in 0..8_000_000 / size as u64 {
            publisher.send(&event(&topic, &numbered(n, size)));
        }
        publisher.barrier();
        there.push(client.socket);
    }
    there.push(publisher.socket);
    there
}

fn hub() -> RunningHub {
    hub_with(|config| {
        config.overflow_grace_ms = 10;
        config.topic_idle_ms = 600_000;
    })
}

/// Lets each kind of `kinds` take memory, and returns by how much the allocator and the count have grown.
fn grown(kinds: &[Kind], random: &mut Random) -> (i64, i64) {
    let hub = hub();
    // The first clients make what exists once: threads' buffers, and the tables of the hub.
    for (_, kind) in KINDS {
        drop(kind(&hub, &mut Random(1)));
    }
    wait_until("the first clients are gone", || metric(&hub, "hub_connections") == 0);
    let (counted, truth) = (settled(|| held(&hub)), settled(allocated));
    let there: Vec<Sockets> = kinds.iter().map(|(_, kind)| kind(&hub, random)).collect();
    let (counted, truth) = (settled(|| held(&hub)) - counted, settled(allocated) - truth);
    drop(there);
    (truth, counted)
}

#[test]
fn each_kind_is_counted() {
    let _alone = ALONE.lock();
    let mut random = Random(Random::seed("HUB_TEST_SEED"));
    eprintln!("HUB_TEST_SEED={}", random.0);
    for kind in KINDS {
        let (truth, counted) = grown(&[kind], &mut random);
        let percent = counted * 100 / truth.max(1);
        eprintln!("{}: {truth} bytes, {percent} % of them are counted", kind.0);
    }
}

#[test]
fn the_count_of_any_mix_is_true() {
    let _alone = ALONE.lock();
    let mut random = Random(Random::seed("HUB_TEST_SEED"));
    eprintln!("HUB_TEST_SEED={}", random.0);
    let kinds: Vec<Kind> = (0..12).map(|_| KINDS[random.below(KINDS.len())]).collect();
    let (truth, counted) = grown(&kinds, &mut random);
    let off = (counted - truth).abs() * 100 / truth;
    let names: Vec<&str> = kinds.iter().map(|(name, _)| *name).collect();
    eprintln!("{truth} bytes, {counted} are counted: {names:?}");
    assert!(off < 10, "{off} %: {names:?}");
}
