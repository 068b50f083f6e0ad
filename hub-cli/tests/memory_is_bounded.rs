//! Subscribers that stopped reading cost a hub what their queues may hold and no more, however much
//! is published past them, in large events or in small ones, on one topic or on many.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;
mod wire;

use hub_wire::{Overflow, Subscribe};
use wire::frames::*;
use wire::{Client, Server};

const MIB: u64 = 1024 * 1024;
const QUEUE_BYTES: u64 = 2 * MIB;
const STALLED: u64 = 10;

/// The hub's memory that is in RAM now, in bytes, as the hub itself tells it.
fn resident(hub: &Server) -> u64 {
    let metrics = hub.get("/metrics");
    let line = metrics.lines().find(|line| line.starts_with("process_resident_memory_bytes "));
    line.and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap()
}

/// Publishes `megabytes` in events of `pad` bytes on `topics` topics past the stalled ones, and
/// returns by how much the hub's memory grew at most.
fn grows_by(overflow: Overflow, megabytes: u64, pad: usize, topics: u64) -> u64 {
    let queue_bytes = QUEUE_BYTES.to_string();
    let hub = Server::start(&[
        "--max-frame-bytes=262144",
        "--queue-bytes",
        queue_bytes.as_str(),
        "--overflow-grace-ms=10",
        "--history-bytes=1048576",
        "--history-topic-bytes=65536",
    ]);
    let stalled: Vec<Client> = (0..STALLED)
        .map(|_| {
            let mut client = Client::open(hub.clients);
            client.subscribe(&Subscribe { overflow, ..subscription(1, "**") });
            client
        })
        .collect();
    let mut publisher = Client::open(hub.clients);
    publisher.send(&event("first", b"\x01"));
    publisher.barrier();
    let before = resident(&hub);
    let (mut most, mut sent, mut n) = (0, 0, 0);
    while sent < megabytes * MIB {
        let mut batch = Vec::new();
        while batch.len() < 512 * 1024 {
            let key = format!("{}", n % 50);
            let topic = format!("load.{}", n % topics);
            batch.extend(event_with(&topic, &numbered(n, pad), &[("key", &key)]));
            n += 1;
        }
        sent += batch.len() as u64;
        publisher.send(&batch);
        publisher.barrier();
        most = most.max(resident(&hub).saturating_sub(before));
    }
    drop(stalled);
    eprintln!("{overflow:?}, {pad} bytes, {topics} topics: grew by {} KiB", most / 1024);
    most
}

/// Every queue full of bytes that no other shares, and 16 MiB for everything else.
const BOUND: u64 = STALLED * QUEUE_BYTES + 16 * MIB;

#[test]
fn large_events() {
    for overflow in [Overflow::DropOldest, Overflow::DropNewest, Overflow::Latest] {
        let grown = grows_by(overflow, 150, 16 * 1024, 1);
        assert!(grown < BOUND, "{overflow:?}: {grown}");
    }
}

#[test]
fn small_events_on_many_topics() {
    for overflow in [Overflow::DropOldest, Overflow::DropNewest, Overflow::Latest] {
        let grown = grows_by(overflow, 8, 16, 1_000);
        assert!(grown < BOUND, "{overflow:?}: {grown}");
    }
}
