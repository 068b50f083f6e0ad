//! A client that asked for receipts knows of each event that the hub accepted, whichever way the hub
//! ends the connection (PROTOCOL.md, section 11): the last RECEIPT comes before CLOSE.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_wire::{CloseCode, Frame, Hello, Overflow, RefusedCode, Subscribe};
use std::time::Duration;
use support::*;

/// Returns the receipts and the CLOSE with which a connection ended.
fn end(client: &mut Client) -> (Vec<u64>, CloseCode) {
    let got = client.rest();
    let receipts = got.iter().filter_map(|got| match got {
        Got::Receipt(next) => Some(*next),
        _ => None,
    });
    let code = got.iter().rev().find_map(|got| match got {
        Got::Close(close) => Some(close.code),
        _ => None,
    });
    (receipts.collect(), code.unwrap_or_else(|| panic!("{got:?}")))
}

/// The events and what follows them come in one piece, so nothing but CLOSE makes the hub send the
/// receipt.
#[test]
fn whatever_ends_the_connection() {
    let hub = hub();
    let events = event("t", b"\x01").repeat(3);
    for (what, last, code) in [
        ("CLOSE of the client", goodbye(), CloseCode::Normal),
        ("a second HELLO", Frame::Hello(hello("again")).to_bytes(), CloseCode::Protocol),
        ("no frame", framed(b"\xa3hub"), CloseCode::Protocol),
        ("a length of 0", vec![0; 4], CloseCode::Protocol),
        ("a PING that is cut short", framed(b"\x91\x0b"), CloseCode::Protocol),
        ("a frame that is too long", vec![0xff; 4], CloseCode::FrameTooLarge),
    ] {
        let mut client = Client::open(hub.clients());
        client.send(&[events.as_slice(), &last].concat());
        assert_eq!(end(&mut client), (vec![3], code), "{what}");
    }
    let mut half_closes = Client::open(hub.clients());
    half_closes.send(&events);
    half_closes.finish();
    assert_eq!(end(&mut half_closes), (vec![3], CloseCode::Normal));
}

/// A refusal comes before the receipt that covers it.
#[test]
fn what_was_refused_is_told_too() {
    let hub = hub();
    let mut client = Client::open(hub.clients());
    client.send(&[event("t", b"\x01"), event("a..b", b"\x01"), vec![0; 4]].concat());
    let got = client.rest();
    let [Got::Refused(refused), Got::Receipt(2), Got::Close(_), Got::End] = got.as_slice() else {
        panic!("{got:?}")
    };
    assert_eq!((refused.number, refused.code), (1, RefusedCode::BadTopic));
}

#[test]
fn when_a_rule_ends_it() {
    let rules = tempfile::NamedTempFile::new().unwrap();
    let text = "[[rule]]\nname = \"out\"\nfind = { paths = [\"bad\"] }\naction = \"disconnect\"\n\
                tests = { hits = [{ bad = 1 }], misses = [{ good = 1 }] }\n";
    std::fs::write(rules.path(), text).unwrap();
    let hub = hub_with(|config| config.rules = rules.path().to_str().unwrap().to_owned());
    let mut client = Client::open(hub.clients());
    client.send(&[event("t", b"\x01"), event("t", b"\x81\xa3bad\x01")].concat());
    assert_eq!(end(&mut client), (vec![2], CloseCode::Policy));
}

#[test]
fn when_a_newer_connection_takes_over_it_covers_only_what_is_published() {
    let hub = hub();
    let mut full = open_narrow(hub.clients());
    full.subscribe(&Subscribe { overflow: Overflow::Block, ..subscription(1, "t") });
    let instance = [9; 16];
    let mut old = Client::open_as(hub.clients(), &hello_of(instance));
    let mut writer = old.writer();
    let writing = std::thread::spawn(move || {
        use std::io::Write;
        // The hub stops reading when the subscriber is full, and the write fails when it has closed.
        (0..1_500).all(|n| writer.write_all(&event("t", &numbered(n, 16 * 1024))).is_ok())
    });
    let mut receipt = 0;
    while let Some(Got::Receipt(next)) = old.next_within(Duration::from_secs(1)) {
        receipt = next;
    }
    assert!(receipt < 1_500, "it never had to wait");
    let new = Client::open_as(hub.clients(), &hello_of(instance));
    let (receipts, code) = end(&mut old);
    assert_eq!(code, CloseCode::Replaced);
    let last = receipts.last().copied().unwrap_or(receipt);
    assert_eq!(last, new.welcome().received, "the newer connection continues there");
    drop(full);
    writing.join().unwrap();
}

/// A client that is too slow is owed no deliveries any more. It still learns what became of its own
/// events.
#[test]
fn when_the_client_is_too_slow() {
    let hub = hub();
    let mut slow = open_narrow(hub.clients());
    let disconnect = Overflow::Disconnect;
    slow.subscribe(&Subscribe { overflow: disconnect, ..subscription(1, "t") });
    let mut publisher = Client::open(hub.clients());
    let mut sent = 0;
    wait_until("the slow client is too slow", || {
        publisher.send(&event("t", &numbered(0, 64 * 1024)));
        // Its own events come between those that fill its queue.
        slow.try_send(&[event("own", b"\x01"), event("a..b", b"\x01")].concat());
        sent += 2;
        publisher.barrier();
        metric(&hub, "hub_connections_closed_total{code=\"slow_consumer\"}") == 1
    });
    let got = slow.rest();
    assert!(
        matches!(got.as_slice(), [.., Got::Close(close), Got::End] if close.code == CloseCode::SlowConsumer)
    );
    let mut receipts = got.iter().filter_map(|got| match got {
        Got::Receipt(next) => Some(*next),
        _ => None,
    });
    let refused = got.iter().filter(|got| matches!(got, Got::Refused(_))).count() as u64;
    let last = receipts.next_back().unwrap();
    assert_eq!(refused, last / 2, "every second event was refused, and the receipts cover these");
    assert!(last > 0 && last <= sent, "{last} of {sent}");
}

#[test]
fn who_asked_for_no_receipts_gets_none() {
    let hub = hub();
    let mut quiet = Client::open_as(hub.clients(), &Hello { receipts: false, ..hello("quiet") });
    quiet.send(&[event("t", b"\x01"), goodbye()].concat());
    assert_eq!(end(&mut quiet), (vec![], CloseCode::Normal));
}

/// The hub says nothing twice.
#[test]
fn a_receipt_that_says_nothing_new_is_not_sent() {
    let hub = hub();
    let mut client = Client::open(hub.clients());
    client.send(&event("t", b"\x01"));
    assert_eq!(client.next(), Got::Receipt(1));
    client.send(&goodbye());
    assert_eq!(end(&mut client), (vec![], CloseCode::Normal));
}
