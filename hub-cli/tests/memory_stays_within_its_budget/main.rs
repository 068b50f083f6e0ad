//! Promise: the process never takes more than its memory budget. Short of memory, it slows
//! publishers down, then refuses them with a code; what subscribers lose is told to them and adds
//! up; and when it is over, everything is as before.
//!
//! The hub is a process of its own with a budget of 96 MiB. The overload lasts for
//! `HUB_TEST_SECONDS`, 4 unless that is set.
//!
//! This file is a program of its own, because its threads must overload the hub. Beside other tests in
//! the same process, they would get too little processor time for that.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod overload;
#[path = "../support/mod.rs"]
mod support;
#[path = "../wire/mod.rs"]
mod wire;

use hub_wire::{CloseCode, Frame, Overflow, RefusedCode, RefusedWhat, Subscribe};
use overload::{open_narrow, overload};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use support::PATIENCE;
use wire::frames::*;
use wire::{Client, Got, Server, client, seconds, wait_until};

const MIB: u64 = 1024 * 1024;
const BUDGET: u64 = 96 * MIB;

fn hub(more: &[&str]) -> Server {
    let budget = format!("--memory-bytes={BUDGET}");
    Server::start(&[&[budget.as_str(), "--queue-bytes=4194304", "--log=warn"], more].concat())
}

fn ledger_is_balanced(hub: &Server) {
    wait_until("nothing is pending", || hub.metric("hub_deliveries_pending") == 0);
    let dropped =
        |reason| hub.metric(&format!("hub_deliveries_dropped_total{{reason=\"{reason}\"}}"));
    let settled = hub.metric("hub_deliveries_total")
        + dropped("overflow")
        + dropped("conflated")
        + dropped("disconnected");
    assert_eq!(hub.metric("hub_deliveries_due_total"), settled);
}

/// Publishes so many events of 1 KiB, and returns what the subscriber gets until it has had its turn.
fn burst(from: &mut Client, to: &mut Client, events: u64) -> Vec<Got> {
    for n in 0..events {
        from.send(&event("after", &numbered(n, 1024)));
    }
    assert!(!from.barrier().iter().any(|got| matches!(got, Got::Refused(_))));
    to.barrier()
}

fn all_arrived(got: &[Got], events: u64) -> bool {
    assert!(got.iter().all(|got| matches!(got, Got::Event(_) | Got::Gap(_) | Got::Ping(_))));
    client::events(got).iter().map(|event| id_in(&event.payload)).eq(0..events)
}

/// A busy hub may still read what clients sent before they went, so the memory counts only when no more
/// than `present` clients are left.
fn is_as_before(hub: &Server, present: u64) {
    wait_until("the others are gone", || hub.metric("hub_connections") == present);
    wait_until("there is enough memory again", || hub.metric("hub_memory_pressure") == 0);
    let (mut from, mut to) = (Client::open(hub.clients), Client::open(hub.clients));
    to.subscribe(&subscription(1, "after"));
    // What is free may be used at once.
    for _ in 0..30 {
        assert!(all_arrived(&burst(&mut from, &mut to, 1_000), 1_000));
    }
}

#[test]
fn under_overload() {
    let time = seconds(4);
    // What can be had where memory is plenty.
    let peak = overload(&Server::start(&["--log=warn", "--overflow-grace-ms=10"]), time / 4, false);
    let hub = hub(&["--overflow-grace-ms=10"]);
    let goodput = overload(&hub, time, true);
    eprintln!("goodput {:.0} % of the peak", goodput / peak * 100.0);
    assert!(hub.memory("VmHWM") < BUDGET, "{} MiB", hub.memory("VmHWM") / MIB);
    assert!(goodput > 0.0);
    ledger_is_balanced(&hub);
    is_as_before(&hub, 0);
}

/// Clients that subscribe and never read.
fn dead(hub: &Server, count: usize, overflow: Overflow) -> Vec<Client> {
    (0..count)
        .map(|n| {
            let mut client = open_narrow(hub.clients);
            let filter = format!("dead.{n}");
            client.subscribe(&Subscribe { overflow, ..subscription(1, &filter) });
            client
        })
        .collect()
}

/// How many of a publisher's events were refused; all because of memory.
fn refused(got: &[Got]) -> usize {
    let codes = got.iter().filter_map(|got| match got {
        Got::Refused(why) => Some(why.code),
        _ => None,
    });
    codes.inspect(|code| assert_eq!(*code, RefusedCode::Overloaded)).count()
}

/// A client whose subscriptions take memory that no waiting brings back: the others notice nothing, and it
/// is refused, and then ended.
#[test]
fn what_waiting_cannot_free_is_refused_until_it_is_free() {
    let hub = hub(&["--memory-grace-ms=3000", "--retry-after-ms=1234", "--overflow-grace-ms=0"]);
    let (mut greedy, mut bystander) = (Client::open(hub.clients), Client::open(hub.clients));
    let names: Vec<String> = (0..15_000).map(|n| format!("a.topic.of.some.length.{n}")).collect();
    let seen: Vec<_> = names.iter().map(|name| (name.as_str(), 1, 1)).collect();
    let until = Instant::now() + PATIENCE;
    // Memory becomes short either before a frame is read, and then the hub does not read it and ends the
    // client at last, or afterwards, and then the hub refuses what the frame asks for.
    'asking: for id in 0.. {
        greedy.try_send(&subscribe(&subscription_after(id, "nothing", &seen)));
        loop {
            match greedy.next_within(Duration::from_secs(1)) {
                Some(Got::Subscribed(_)) => break,
                Some(Got::Refused(why)) => {
                    let why = (why.what, why.code);
                    assert_eq!(why, (RefusedWhat::Subscribe, RefusedCode::Overloaded));
                    break 'asking;
                }
                None => break 'asking,
                Some(_) => {}
            }
            assert!(Instant::now() < until, "nothing was refused");
        }
    }
    // Others notice nothing, but for an address above its share there are no further connections.
    bystander.subscribe(&subscription(1, "new"));
    bystander.send(&event("new", &numbered(7, 1024)));
    assert_eq!(id_in(&bystander.event().payload), 7);
    wait_until("a connection is refused", || {
        let mut new = Client::connect(hub.clients);
        match new.next_within(Duration::from_millis(250)) {
            Some(Got::Close(close)) => {
                let told = (close.code, close.retry_after_ms);
                assert_eq!(told, (CloseCode::Overloaded, Some(1234)));
                true
            }
            _ => false,
        }
    });
    let close = greedy.rest().into_iter().find_map(|got| match got {
        Got::Close(close) => Some((close.code, close.retry_after_ms)),
        _ => None,
    });
    assert_eq!(close, Some((CloseCode::Overloaded, Some(1234))));
    eprintln!("resident at most {} MiB", hub.memory("VmHWM") / MIB);
    assert!(hub.memory("VmHWM") < BUDGET, "{} MiB", hub.memory("VmHWM") / MIB);
    is_as_before(&hub, 1);
    assert!(!bystander.barrier().iter().any(|got| matches!(got, Got::Close(_) | Got::Refused(_))));
    ledger_is_balanced(&hub);
}

/// Subscribers that publishers have to wait for, and that are gone without a word.
#[test]
fn the_dead_for_whom_all_wait_are_ended_by_the_keep_alive() {
    use std::io::Write;
    const DEAD: usize = 90;
    const EVENTS: u64 = 110;
    let hub = hub(&["--keepalive-ms=4000", "--memory-grace-ms=300"]);
    let dead = dead(&hub, DEAD, Overflow::Block);
    // All of them before the first event: once short of memory, the hub lets nobody in.
    let clients: Vec<Client> = (0..DEAD).map(|_| Client::open(hub.clients)).collect();
    let publishing: Vec<_> = clients
        .into_iter()
        .enumerate()
        .map(|(n, mut client)| {
            let mut writer = client.writer();
            std::thread::spawn(move || {
                let frame = event(&format!("dead.{n}"), &numbered(0, 64 * 1024));
                let write = std::thread::spawn(move || {
                    for _ in 0..EVENTS {
                        writer.write_all(&frame).unwrap();
                    }
                });
                let (mut next, mut refusals) = (0, 0);
                while next < EVENTS {
                    match client.next() {
                        Got::Receipt(to) => next = to,
                        // Whoever is not read from is not taken for silent.
                        Got::Ping(_) if !write.is_finished() => {}
                        Got::Ping(token) => client.send(&Frame::Pong { token }.to_bytes()),
                        got @ Got::Refused(_) => refusals += refused(&[got]),
                        other => panic!("{other:?}"),
                    }
                }
                write.join().unwrap();
                refusals
            })
        })
        .collect();
    let refused: usize = publishing.into_iter().map(|one| one.join().unwrap()).sum();
    eprintln!("{refused} refused; resident at most {} MiB", hub.memory("VmHWM") / MIB);
    assert!(hub.memory("VmHWM") < BUDGET, "{} MiB", hub.memory("VmHWM") / MIB);
    drop(dead);
    is_as_before(&hub, 0);
    ledger_is_balanced(&hub);
}

/// Many clients each send a part of a large frame.
#[test]
fn large_frames_that_are_never_finished_take_no_more_than_the_budget() {
    use std::io::Write;
    const MANY: usize = 150;
    let hub = hub(&["--memory-grace-ms=300"]);
    let mut frame = event("t", &numbered(0, 1000 * 1024));
    frame.truncate(1000 * 1024);
    let clients: Vec<TcpStream> = (0..MANY)
        .map(|_| {
            let client = Client::open(hub.clients);
            client.socket.set_nonblocking(true).unwrap();
            client.socket
        })
        .collect();
    let writing: Vec<_> = clients
        .into_iter()
        .map(|mut socket| {
            let frame = frame.clone();
            std::thread::spawn(move || {
                let (mut at, until) = (0, Instant::now() + Duration::from_secs(3));
                while at < frame.len() && Instant::now() < until {
                    match socket.write(&frame[at..]) {
                        Ok(written) => at += written,
                        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                            std::thread::sleep(Duration::from_millis(5));
                        }
                        Err(_) => break, // its connection was ended
                    }
                }
                socket
            })
        })
        .collect();
    let sockets: Vec<_> = writing.into_iter().map(|writing| writing.join().unwrap()).collect();
    eprintln!("resident at most {} MiB", hub.memory("VmHWM") / MIB);
    assert!(hub.memory("VmHWM") < BUDGET);
    drop(sockets);
    is_as_before(&hub, 0);
}
