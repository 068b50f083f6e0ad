//! SIGTERM to a real hub under load: every event that was receipted reaches every subscriber that
//! is connected at that moment, everyone is told when to come back and gets FIN, and the process
//! ends with code 0. Whoever does not read cannot hold it for longer than `drain_ms`, and a second
//! signal ends it at once.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;
mod wire;

use hub_wire::{CloseCode, Overflow, Subscribe};
use std::collections::HashMap;
use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use support::PATIENCE;
use wire::frames::*;
use wire::{Client, Got, Server};

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "it never came about that {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn blocking(id: u64, filter: &str) -> Subscribe {
    Subscribe { overflow: Overflow::Block, ..subscription(id, filter) }
}

/// The end that everyone gets: CLOSE with a time to come back, then FIN.
fn is_told_to_come_back(end: &[Got]) {
    let [.., Got::Close(close), Got::End] = end else {
        panic!("it ended with {:?}", &end[end.len().saturating_sub(3)..]);
    };
    assert_eq!(close.code, CloseCode::GoingAway);
    assert_eq!(close.retry_after_ms, Some(1_000));
}

/// Sends events on three topics of its own until the hub says CLOSE.
struct Publisher {
    receipted: Arc<AtomicU64>,
    threads: [JoinHandle<()>; 2],
}

impl Publisher {
    fn start(hub: &Server, name: usize, pad: usize) -> Publisher {
        let mut client = Client::open(hub.clients);
        let (receipted, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (mut writer, stopped) = (client.writer(), stop.clone());
        let writing = std::thread::spawn(move || {
            for n in 0.. {
                let topic = format!("load.{name}.{}", n % 3);
                // The hub goes on reading until this side ends too.
                writer.write_all(&event(&topic, &numbered(n, pad))).unwrap();
                if stopped.load(Ordering::Acquire) {
                    return;
                }
            }
        });
        let seen = receipted.clone();
        let reading = std::thread::spawn(move || {
            let end = loop {
                match client.next() {
                    Got::Receipt(next) => seen.store(next, Ordering::Release),
                    other => break other,
                }
            };
            stop.store(true, Ordering::Release);
            is_told_to_come_back(&[end, client.next()]);
        });
        Publisher { receipted, threads: [writing, reading] }
    }

    /// How many events the hub said it had accepted.
    fn receipts(self) -> u64 {
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
        self.receipted.load(Ordering::Acquire)
    }
}

/// What a subscriber has of each publisher: which events, and how many of them a GAP announced.
#[derive(Default)]
struct Heard {
    next: HashMap<String, u64>,
    ids: HashMap<String, Vec<u64>>,
    missing: u64,
}

impl Heard {
    /// Reads until CLOSE and FIN.
    fn all(mut client: Client) -> Heard {
        let mut heard = Heard::default();
        loop {
            match client.next() {
                Got::Event(event) => {
                    let next = heard.next.entry(event.topic.clone()).or_insert(1);
                    assert_eq!(event.number, *next, "{}", event.topic);
                    *next += 1;
                    let publisher = event.topic.rsplit_once('.').unwrap().0;
                    heard.ids.entry(publisher.to_owned()).or_default().push(id_in(&event.payload));
                }
                Got::Gap(gap) => {
                    let next = heard.next.entry(gap.topic.clone()).or_insert(1);
                    assert_eq!(gap.from, *next, "{gap:?}");
                    *next = gap.to.unwrap() + 1;
                    heard.missing += *next - gap.from;
                }
                Got::Close(close) => {
                    let end = client.next();
                    is_told_to_come_back(&[Got::Close(close), end]);
                    return heard;
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// Every event below `receipted` is there, once.
    fn has_all(&mut self, publisher: usize, receipted: u64) {
        let ids = self.ids.entry(format!("load.{publisher}")).or_default();
        ids.sort_unstable();
        let missing: Vec<u64> =
            (0..receipted).filter(|id| ids.binary_search(id).is_err()).take(10).collect();
        assert!(missing.is_empty(), "of publisher {publisher}: {missing:?} were receipted");
        let before = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), before, "events came twice");
    }
}

#[test]
fn everything_receipted_reaches_everyone() {
    for round in 0..3 {
        let hub = Server::start(&["--drain-ms", "60000"]);
        let subscribers: Vec<_> = (0..6)
            .map(|_| {
                let mut client = Client::open(hub.clients);
                client.subscribe(&blocking(1, "load.**"));
                std::thread::spawn(move || Heard::all(client))
            })
            .collect();
        let idle = Client::open(hub.clients);
        let idle = std::thread::spawn(move || {
            let mut idle = idle;
            is_told_to_come_back(&idle.rest());
        });
        let mut in_handshake = Client::connect(hub.clients);
        in_handshake.send(&[0, 0]);
        let in_handshake = std::thread::spawn(move || is_told_to_come_back(&in_handshake.rest()));
        let publishers: Vec<_> = (0..4).map(|n| Publisher::start(&hub, n, 40)).collect();
        wait_until("there is load", || {
            publishers.iter().all(|p| p.receipted.load(Ordering::Acquire) > 1_000 * (round + 1))
        });
        hub.process.signal("TERM");
        let receipts: Vec<u64> = publishers.into_iter().map(Publisher::receipts).collect();
        eprintln!("receipted: {receipts:?}");
        for subscriber in subscribers {
            let mut heard = subscriber.join().unwrap();
            assert_eq!(heard.missing, 0, "`block` drops nothing");
            for (publisher, receipted) in receipts.iter().enumerate() {
                heard.has_all(publisher, *receipted);
            }
        }
        idle.join().unwrap();
        in_handshake.join().unwrap();
        let ended = hub.process.end();
        assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
        assert!(!ended.stderr.contains("in time"), "{}", ended.stderr);
    }
}

/// Publishes on `load.0.*` until a subscriber that does not read makes the publisher wait.
fn until_full(hub: &Server) -> Publisher {
    let publisher = Publisher::start(hub, 0, 16 * 1024);
    let mut before = 0;
    wait_until("the publisher waits", || {
        let now = publisher.receipted.load(Ordering::Acquire);
        std::thread::sleep(Duration::from_millis(500));
        std::mem::replace(&mut before, now) == now && now > 0
    });
    publisher
}

#[test]
fn who_was_full_still_gets_everything_receipted() {
    let hub = Server::start(&["--drain-ms", "60000"]);
    let mut full = Client::open(hub.clients);
    full.subscribe(&blocking(1, "load.0.1"));
    let mut reading = Client::open(hub.clients);
    reading.subscribe(&blocking(1, "load.**"));
    let reading = std::thread::spawn(move || Heard::all(reading));
    let publisher = until_full(&hub);
    hub.process.signal("TERM");
    hub.process.wait_for_stderr("draining");
    let full = std::thread::spawn(move || Heard::all(full));
    let receipted = publisher.receipts();
    reading.join().unwrap().has_all(0, receipted);
    let full = full.join().unwrap();
    let expected: Vec<u64> = (0..receipted).filter(|id| id % 3 == 1).collect();
    assert_eq!(full.ids["load.0"][..expected.len()], expected);
    assert_eq!(hub.process.end().code(), Some(0));
}

#[test]
fn who_does_not_read_cannot_hold_it_and_harms_no_one() {
    let hub = Server::start(&["--drain-ms", "6000"]);
    let mut stalled = Client::open(hub.clients);
    stalled.subscribe(&blocking(1, "load.**"));
    let mut reading = Client::open(hub.clients);
    reading.subscribe(&blocking(1, "load.**"));
    let reading = std::thread::spawn(move || Heard::all(reading));
    let publisher = until_full(&hub);
    hub.process.signal("TERM");
    let receipted = publisher.receipts();
    reading.join().unwrap().has_all(0, receipted);
    let ended = hub.process.end();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    drop(stalled);
}

#[test]
fn while_it_drains_it_takes_nobody_new_and_a_second_signal_ends_it_at_once() {
    for (first, second) in [("TERM", "TERM"), ("INT", "TERM"), ("TERM", "INT")] {
        let hub = Server::start(&["--drain-ms", "600000"]);
        let mut stalled = Client::open(hub.clients);
        stalled.subscribe(&blocking(1, "load.**"));
        let _publisher = until_full(&hub);
        assert!(hub.get("/readyz").starts_with("HTTP/1.1 200 "));
        hub.process.signal(first);
        hub.process.wait_for_stderr("draining");
        wait_until("it says that it drains", || hub.get("/readyz").starts_with("HTTP/1.1 503 "));
        assert!(hub.get("/healthz").starts_with("HTTP/1.1 200 "));
        wait_until("it takes nobody new", || TcpStream::connect(hub.clients).is_err());
        hub.process.signal(second);
        assert_eq!(hub.process.end().code(), Some(1));
        drop(stalled);
    }
}

#[test]
fn clients_that_end_their_side_late_hold_it_no_longer_than_drain_ms() {
    let hub = Server::start(&["--drain-ms", "4000"]);
    let mut lingering = Client::open(hub.clients);
    hub.process.signal("TERM");
    is_told_to_come_back(&lingering.rest());
    assert_eq!(hub.process.end().code(), Some(0));
    drop(lingering);
}
