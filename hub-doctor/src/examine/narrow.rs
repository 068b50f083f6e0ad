//! Tries again with small packets what did not pass in large ones. Nothing else proves that a path
//! swallows packets by their size: no router says so, and everything small works.

use crate::hub;
use crate::route;
use crate::tcp::{Narrow, large};
use crate::tls::{self, Setup};
use crate::wire::{Recorder, Stream, Wire};
use hub_wire::{Frame, Hello};
use std::net::SocketAddr;
use std::time::Duration;

/// Every path lets a segment of this size through: IPv4 hosts take packets of 576 bytes.
const SMALLEST: u32 = 536;
/// An Ethernet without anything in between takes a segment of this size.
const USUAL: u32 = 1460;
/// The search for the size may take so many connections.
const ATTEMPTS: u32 = 5;
/// Each connection waits this long. A path that lets packets through needs a few round trips.
const PATIENCE: Duration = Duration::from_millis(1500);
/// The PING has this token.
const TOKEN: u64 = 1;

/// Returns whether a TLS handshake passes in small packets, and in large ones does not.
pub(super) fn handshake(address: SocketAddr, setup: &Setup) -> bool {
    let passes = |segment| {
        let tcp = route::connect(address, Some(segment));
        tcp.is_ok_and(|tcp| tls::shake(tcp, setup).1.is_some())
    };
    // A server that was busy before may pass in large packets now.
    passes(SMALLEST) && !passes(USUAL)
}

/// Returns whether HELLO gets an answer in small packets, and in large ones does not.
pub(super) fn hello(address: SocketAddr, tls: Option<&Setup>, hello: &Hello) -> bool {
    let answered = |segment| {
        let wire = connect(address, tls, segment);
        wire.is_some_and(|mut wire| !hub::greet(&mut wire, hello, PATIENCE).0.is_unanswered())
    };
    let fits = Frame::Hello(hello.clone()).to_bytes().len() <= SMALLEST as usize;
    !fits && answered(SMALLEST) && !answered(USUAL)
}

/// Tries a large frame in small packets, and searches for the largest packet that passes.
pub(super) fn load(address: SocketAddr, tls: Option<&Setup>, hello: &Hello) -> Option<Narrow> {
    // The packet of a segment has the headers of IP and TCP, too.
    let headers = if address.is_ipv4() { 40 } else { 60 };
    // A hub that was stopped before may answer in large packets now: then their size was no matter.
    if !passes(address, tls, hello, SMALLEST)? || passes(address, tls, hello, USUAL)? {
        return Some(Narrow { passes: false, largest_packet: None, smallest_lost: None });
    }
    let (mut passed, mut lost) = (SMALLEST, USUAL);
    for _ in 0..ATTEMPTS {
        let middle = passed.midpoint(lost);
        match passes(address, tls, hello, middle) {
            Some(true) => passed = middle,
            _ => lost = middle,
        }
    }
    Some(Narrow {
        passes: true,
        largest_packet: Some(passed + headers),
        smallest_lost: Some(lost + headers),
    })
}

/// Returns whether a large frame passes in segments of this size; none if the hub lets no second
/// connection in.
fn passes(address: SocketAddr, tls: Option<&Setup>, hello: &Hello, segment: u32) -> Option<bool> {
    let mut wire = connect(address, tls, segment)?;
    let greeting = hub::greet(&mut wire, hello, PATIENCE).1.ok()?;
    let passed = large(&mut wire, TOKEN, greeting.welcome.limits.frame, PATIENCE).is_ok();
    if passed {
        wire.close();
    }
    Some(passed)
}

/// Returns a connection whose segments have at most this size.
fn connect(address: SocketAddr, tls: Option<&Setup>, segment: u32) -> Option<Wire> {
    let tcp = route::connect(address, Some(segment)).ok()?;
    let stream = match tls {
        None => Stream::Plain(Recorder::new(tcp)),
        Some(setup) => tls::shake(tcp, setup).1?,
    };
    Some(Wire::new(stream))
}
