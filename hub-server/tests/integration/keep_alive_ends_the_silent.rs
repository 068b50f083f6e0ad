//! A client of which the hub hears nothing is asked, and after twice the keep-alive time told
//! `silent`. Any frame is a sign of life; a publisher that the hub does not read from is not silent.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_server::RunningHub;
use hub_wire::{CloseCode, Frame, Overflow, Subscribe};
use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use support::*;

/// Long enough for a client on a busy machine to answer in, short enough to wait for.
const KEEP_ALIVE: u64 = 2_000;

fn hub_that_asks() -> RunningHub {
    hub_with(|config| config.keepalive_ms = KEEP_ALIVE)
}

/// Four times the keep-alive time: who is alive after it was not ended.
fn long() -> Instant {
    Instant::now() + Duration::from_millis(4 * KEEP_ALIVE)
}

#[test]
fn the_silent_is_asked_and_then_told() {
    let hub = hub_that_asks();
    let mut silent = Client::open(hub.clients());
    assert_eq!(silent.welcome().keepalive_ms, KEEP_ALIVE);
    let all = silent.rest();
    let [Got::Ping(_), Got::Close(close), Got::End] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(close.code, CloseCode::Silent);
    assert!(close.retry_after_ms.is_some());
    drop(silent);
    wait_until("it is gone", || metric(&hub, "hub_connections") == 0);
}

#[test]
fn who_answers_or_sends_anything_is_kept() {
    let hub = hub_that_asks();
    let mut answers = Client::open(hub.clients());
    let mut asks = Client::open(hub.clients());
    let mut publishes = Client::open(hub.clients());
    let until = long();
    let mut pings = 0;
    while Instant::now() < until {
        if let Some(got) = answers.next_within(Duration::from_millis(100)) {
            let Got::Ping(token) = got else { panic!("{got:?}") };
            answers.send(&Frame::Pong { token }.to_bytes());
            pings += 1;
        }
        asks.send(&ping(77));
        publishes.send(&event("t", b"\x01"));
    }
    assert!(pings >= 1, "{pings}");
    for client in [&mut asks, &mut publishes, &mut answers] {
        let got = client.barrier();
        assert!(!got.iter().any(|got| matches!(got, Got::Close(_))), "{got:?}");
    }
    // Who is heard all the time need not be asked.
    let asked = asks.barrier().iter().filter(|got| matches!(got, Got::Ping(_))).count();
    assert_eq!(asked, 0);
}

/// Sends a PING now and then, so that a client that does not read is heard of.
fn heard(mut socket: TcpStream, stop: Arc<AtomicBool>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            socket.write_all(&ping(5)).unwrap();
            std::thread::sleep(Duration::from_millis(100));
        }
    })
}

#[test]
fn a_publisher_that_is_made_to_wait_is_not_silent() {
    const EVENTS: u64 = 1_000;
    let hub = hub_that_asks();
    let mut full = open_narrow(hub.clients());
    full.subscribe(&Subscribe { overflow: Overflow::Block, ..subscription(1, "t") });
    let stop = Arc::new(AtomicBool::new(false));
    let heard = heard(full.writer(), stop.clone());
    let mut publisher = Client::open(hub.clients());
    let mut writer = publisher.writer();
    // All of it is written in far less than the keep-alive time or waits in TCP; it sends nothing
    // else, not even a PONG, because that would wait behind.
    let writing = std::thread::spawn(move || {
        for n in 0..EVENTS {
            writer.write_all(&event("t", &numbered(n, 16 * 1024))).unwrap();
        }
    });
    let until = long();
    let mut receipt = 0;
    while Instant::now() < until {
        match publisher.next_within(Duration::from_millis(100)) {
            Some(Got::Receipt(next)) => receipt = next,
            Some(Got::Ping(_)) | None => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(receipt < EVENTS, "it never had to wait");
    let mut next = 0;
    while next < EVENTS {
        match full.next() {
            Got::Event(event) => {
                assert_eq!(id_in(&event.payload), next);
                next += 1;
            }
            Got::Ping(_) | Got::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
    stop.store(true, Ordering::Relaxed);
    heard.join().unwrap();
    writing.join().unwrap();
    let got = publisher.barrier();
    assert!(got.iter().all(|got| matches!(got, Got::Receipt(_) | Got::Ping(_))), "{got:?}");
}

#[test]
fn a_silent_subscriber_makes_no_publisher_wait_for_ever() {
    let hub = hub_that_asks();
    let mut full = open_narrow(hub.clients());
    full.subscribe(&Subscribe { overflow: Overflow::Block, ..subscription(1, "t") });
    let mut publisher = Client::open(hub.clients());
    for n in 0..1_000 {
        publisher.send(&event("t", &numbered(n, 16 * 1024)));
    }
    let got = publisher.barrier();
    assert!(got.contains(&Got::Receipt(1_000)), "{got:?}");
}

/// The PING stands behind the backlog, so the client answers it late. What counts until then is that
/// its TCP takes what stands in front of the PING.
#[test]
fn a_client_that_slowly_reads_a_large_backlog_is_not_silent() {
    const PAYLOAD: usize = 16 * 1024;
    let keep_alive = Duration::from_millis(500);
    let hub = hub_with(|config| config.keepalive_ms = 500);
    let mut slow = open_narrow(hub.clients());
    slow.subscribe(&Subscribe { overflow: Overflow::DropNewest, ..subscription(1, "t") });
    let mut publisher = Client::open(hub.clients());
    // Far more waits than the client reads in several keep-alive intervals.
    let publishing = std::thread::spawn(move || {
        for n in 0..1_000 {
            publisher.send(&event("t", &numbered(n, PAYLOAD)));
        }
        publisher.barrier();
    });
    let start = Instant::now();
    let (mut read, mut pings) = (0, 0);
    while pings == 0 {
        match slow.next_within(PATIENCE).unwrap() {
            Got::Event(_) => {
                read += 1;
                std::thread::sleep(Duration::from_millis(20));
            }
            Got::Ping(token) => {
                pings += 1;
                slow.send(&Frame::Pong { token }.to_bytes());
            }
            Got::Gap(_) => {}
            other => panic!("{other:?} after {read} events and {:?}", start.elapsed()),
        }
    }
    assert!(start.elapsed() > 4 * keep_alive, "the backlog was not large enough");
    let got = slow.barrier();
    assert!(!got.iter().any(|got| matches!(got, Got::Close(_))), "{:?}", got.last());
    publishing.join().unwrap();
}

/// A client that has stopped reading takes nothing, so its backlog is no excuse.
#[test]
fn a_client_that_has_stopped_reading_is_silent_whatever_waits_for_it() {
    let hub = hub_with(|config| config.keepalive_ms = 500);
    let mut stopped = open_narrow(hub.clients());
    stopped.subscribe(&Subscribe { overflow: Overflow::DropOldest, ..subscription(1, "t") });
    let mut publisher = Client::open(hub.clients());
    wait_until("the hub ends the connection of the client", || {
        publisher.send(&event("t", &numbered(0, 16 * 1024)));
        publisher.barrier();
        metric(&hub, "hub_connections_closed_total{code=\"silent\"}") == 1
    });
}
