//! Promise: a client that announces much and sends little makes the hub hold next to nothing, and
//! one that may not be let in no more than a HELLO.
//!
//! The hub is a process of its own, whose resident memory is looked at.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;
mod wire;

use hub_wire::{Frame, RefusedCode};
use std::io::Write;
use std::net::TcpStream;
use wire::frames::*;
use wire::{Client, Got, Server, sockets, wait_until};

const MIB: u64 = 1024 * 1024;
const BOUND: u64 = 40 * MIB;

/// By how much the hub's memory grows with `count` connections that send these bytes and stay.
fn grows_by(count: usize, flags: &[&str], bytes: &[u8]) -> u64 {
    let hub = Server::start(flags);
    Client::open(hub.clients).barrier();
    let before = hub.memory("VmRSS");
    let connections: Vec<TcpStream> = (0..count)
        .map(|_| {
            let mut socket = TcpStream::connect(hub.clients).unwrap();
            socket.write_all(bytes).unwrap();
            socket
        })
        .collect();
    let all = count as u64 + 1;
    wait_until("all were accepted", || hub.metric("hub_connections_total") == all);
    Client::open(hub.clients).barrier();
    let grown = hub.memory("VmHWM").saturating_sub(before);
    eprintln!("{count} connections, {} bytes each: {} KiB", bytes.len(), grown / 1024);
    drop(connections);
    grown
}

#[test]
fn five_thousand_that_announce_a_huge_frame() {
    let count = sockets(5_000);
    let grown = grows_by(count, &[], &[0xff, 0xff, 0xff, 0xff, 0x94]);
    assert!(grown < BOUND, "{grown}");
}

#[test]
fn five_thousand_that_announce_the_longest_hello() {
    let count = sockets(5_000);
    let grown = grows_by(count, &[], &[0x00, 0x00, 0x10, 0x00, 0x94]);
    assert!(grown < BOUND, "{grown}");
}

#[test]
fn five_thousand_that_are_let_in_and_announce_the_longest_event() {
    let count = sockets(5_000);
    let mut bytes = Frame::Hello(hello("strange")).to_bytes();
    bytes.extend([0x00, 0x10, 0x00, 0x00, 0x93]);
    let grown = grows_by(count, &[], &bytes);
    // Their sessions are open: each has an account, an inbox and a WELCOME that was sent.
    assert!(grown < 2 * BOUND, "{grown}");
}

/// A password that is checked takes its time, and the others wait meanwhile, with all that they
/// have sent.
#[test]
fn what_comes_behind_a_hello_that_is_being_checked_is_not_taken_in() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("access.toml");
    let line = hub_server::access::hash_password("a long enough password").unwrap();
    let line = format!("[roles.none]\n[identities.ann]\nroles = \"none\"\npassword = \"{line}\"\n");
    std::fs::write(&file, line).unwrap();
    let password = "a wrong password of some length".to_owned();
    let credentials = Some(hub_wire::Credentials::Password { user: "ann".to_owned(), password });
    let hello = hub_wire::Hello { credentials, ..hello("strange") };
    let mut bytes = Frame::Hello(hello).to_bytes();
    bytes.extend(vec![0x55; 100_000]);
    let hub = Server::start(&["--access", file.to_str().unwrap()]);
    let before = hub.memory("VmRSS");
    let count = 600;
    let connections: Vec<TcpStream> = (0..count)
        .map(|_| {
            let mut socket = TcpStream::connect(hub.clients).unwrap();
            socket.set_nonblocking(true).unwrap();
            let _ = socket.write(&bytes);
            socket
        })
        .collect();
    wait_until("all were accepted", || hub.metric("hub_connections_total") == count);
    let grown = hub.memory("VmHWM").saturating_sub(before);
    let taken = hub.metric("hub_received_bytes_total");
    eprintln!("grew by {} KiB, {taken} bytes were read", grown / 1024);
    assert!(taken <= count * 4_100, "{taken}");
    // Two hashes at once take about 19 MiB each.
    assert!(grown < 2 * BOUND, "{grown}");
    drop(connections);
}

/// The first bytes of values that say they have 2^32 - 1 elements or bytes.
const HUGE: [(&str, u8); 5] =
    [("bin32", 0xc6), ("ext32", 0xc9), ("str32", 0xdb), ("array32", 0xdd), ("map32", 0xdf)];

fn huge(marker: u8) -> [u8; 5] {
    [marker, 0xff, 0xff, 0xff, 0xff]
}

#[test]
fn counts_of_four_billion_are_refused_and_reserve_nothing() {
    let hub = Server::start(&[]);
    let mut client = Client::open(hub.clients);
    client.barrier();
    let before = hub.memory("VmRSS");
    for (what, marker) in HUGE {
        // As HELLO's magic word, as its options, and as one option's value.
        let value = huge(marker);
        let bodies = [
            [&[0x94, 0x01][..], &value].concat(),
            [&[0x94, 0x01, 0xa3, b'h', b'u', b'b', 0x01][..], &value].concat(),
            [&[0x94, 0x01, 0xa3, b'h', b'u', b'b', 0x01, 0x81, 0xa4][..], b"name", &value].concat(),
            [&[0x94, 0x01, 0xa3, b'h', b'u', b'b', 0x01, 0x81, 0xa1, b'x'][..], &value].concat(),
        ];
        for body in bodies {
            let mut stranger = Client::connect(hub.clients);
            stranger.send(&framed(&body));
            let all = stranger.rest();
            let [Got::Close(close), Got::End] = all.as_slice() else { panic!("{what}: {all:?}") };
            assert_eq!(close.code, hub_wire::CloseCode::Protocol, "{what}");
        }
        // As an event's topic, payload, a part of it, and its headers.
        let bodies = [
            [&[0x93, 0x03][..], &value].concat(),
            [&[0x93, 0x03, 0xa1, b't'][..], &value].concat(),
            [&[0x93, 0x03, 0xa1, b't', 0x92, 0x01][..], &value].concat(),
            [&[0x94, 0x03, 0xa1, b't', 0x01][..], &value].concat(),
            [&[0x94, 0x03, 0xa1, b't', 0x01, 0x81, 0xa1, b'h'][..], &value].concat(),
        ];
        for _ in 0..100 {
            for body in &bodies {
                client.send(&framed(body));
            }
        }
        let refused: Vec<_> = client
            .barrier()
            .into_iter()
            .filter_map(
                |got| if let Got::Refused(refused) = got { Some(refused.code) } else { None },
            )
            .collect();
        let bad = [
            RefusedCode::Malformed,
            RefusedCode::TooManyElements,
            RefusedCode::BadTopic,
            RefusedCode::BadHeader,
        ];
        assert_eq!(refused.len(), 500, "{what}");
        assert!(refused.iter().all(|code| bad.contains(code)), "{what}: {refused:?}");
    }
    let grown = hub.memory("VmHWM").saturating_sub(before);
    eprintln!("grew by {} KiB", grown / 1024);
    assert!(grown < 8 * MIB, "{grown}");
}
