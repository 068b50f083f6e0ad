//! Promise: nobody takes more than their share of the memory. Whatever greedy clients make the hub
//! remember, the process stays within its budget; clients that behave well are neither refused nor
//! disconnected and miss nothing; and when the greedy clients are gone, the hub takes new clients within
//! five seconds and is at its old memory within a minute.
//!
//! The hub is a process of its own with a budget of 96 MiB. What the greedy clients do is drawn from a seed,
//! which is printed; `HUB_TEST_SEED` sets it.
//!
//! This file is a program of its own, because the tests read the memory of their hubs and need the processor
//! for themselves.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod greedy;
mod pair;
#[path = "../support/mod.rs"]
mod support;
#[path = "../wire/mod.rs"]
mod wire;

use greedy::Kind;
use pair::Pairs;
use std::time::{Duration, Instant};
use support::Random;
use wire::frames::*;
use wire::{Client, Got, Server};

const MIB: u64 = 1024 * 1024;
const BUDGET: u64 = 96 * MIB;
/// The hub has some resident memory that no budget can bound: what it took in a single moment.
const MOST: u64 = BUDGET / 10 * 11;
/// What may be resident beyond a fifth more than before: pages that stay in use in part.
const SLACK: u64 = 6 * MIB;

fn within(time: Duration, what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + time;
    while !is_so() {
        assert!(Instant::now() < until, "it took more than {time:?} until {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Returns whether the hub lets a new client in and takes an event from it.
fn takes_a_new_client(hub: &Server) -> bool {
    let mut new = Client::connect(hub.clients);
    new.try_send(&hub_wire::Frame::Hello(hello("new")).to_bytes());
    new.try_send(&event("new.client", &numbered(1, 100)));
    loop {
        match new.next_within(Duration::from_secs(1)) {
            Some(Got::Receipt(1)) => return true,
            Some(Got::Welcome(_) | Got::Ping(_)) => {}
            _ => return false,
        }
    }
}

/// Returns how many bytes the hub receives in half a second.
fn received(hub: &Server) -> u64 {
    let bytes = || hub.metric("hub_received_bytes_total");
    let before = bytes();
    std::thread::sleep(Duration::from_millis(500));
    bytes() - before
}

/// Lets these kinds of greedy clients loose on a hub with well-behaved pairs.
fn tried_by(kinds: &[Kind], seed: u64) {
    eprintln!("HUB_TEST_SEED={seed}: {kinds:?}");
    let mut random = Random(seed);
    let budget = format!("--memory-bytes={BUDGET}");
    // The history may stay in calm times, so it is small here.
    let history = ["--history-bytes=1048576", "--history-topic-bytes=65536"];
    // A topic that nobody uses ends after one to two times this duration.
    let idle = "--topic-idle-ms=15000";
    let more = [budget.as_str(), idle, "--log=warn", "--memory-grace-ms=500"];
    let hub = Server::start(&[&more[..], &history[..]].concat());
    let pairs = Pairs::start(&hub, 4);
    let usual = received(&hub);
    let before = hub.memory("VmRSS");
    let greedy: Vec<_> = kinds.iter().map(|kind| kind.start(hub.clients, random.next())).collect();
    let there: Vec<_> = greedy.into_iter().map(|thread| thread.join().unwrap()).collect();
    // What their sockets still hold would keep a hub busy that is not built for speed, and that is not what
    // these tests are about.
    while received(&hub) > 2 * usual {}
    let most = hub.memory("VmHWM");
    eprintln!(
        "{} MiB before, {} at most, {} are held, pressure {}",
        before / MIB,
        most / MIB,
        hub.metric("hub_memory_held_bytes") / MIB,
        hub.metric("hub_memory_pressure"),
    );
    assert!(most <= MOST, "{} MiB", most / MIB);
    drop(there);
    within(Duration::from_secs(5), "a new client was taken", || takes_a_new_client(&hub));
    let enough = before / 5 * 6 + SLACK;
    let gone = Instant::now();
    within(Duration::from_secs(60), "the memory was given back", || hub.memory("VmRSS") <= enough);
    eprintln!("{} MiB {:?} later", hub.memory("VmRSS") / MIB, gone.elapsed());
    pairs.stop();
    assert!(hub.memory("VmHWM") <= MOST, "{} MiB", hub.memory("VmHWM") / MIB);
}

fn seed() -> u64 {
    Random::seed("HUB_TEST_SEED")
}

#[test]
fn positions_of_subscriptions() {
    tried_by(&[Kind::Positions], seed());
}

#[test]
fn names_that_connections_remember() {
    tried_by(&[Kind::Names], seed());
}

#[test]
fn last_events_of_those_who_have_left() {
    tried_by(&[Kind::LastEvents], seed());
}

#[test]
fn subscriptions_times_topics() {
    tried_by(&[Kind::Memberships], seed());
}

#[test]
fn queues_of_those_who_read_nothing() {
    tried_by(&[Kind::Stalled], seed());
}

#[test]
fn several_kinds_at_once() {
    let mut random = Random(seed());
    let kinds: Vec<Kind> = (0..3).map(|_| Kind::ALL[random.below(Kind::ALL.len())]).collect();
    tried_by(&kinds, random.next());
}
