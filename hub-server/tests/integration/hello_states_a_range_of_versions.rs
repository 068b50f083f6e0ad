//! The hub reads the versions in HELLO before anything else of it (PROTOCOL.md, sections 4 and 15). A
//! client of another version learns that its version is the reason, whatever the rest of its HELLO
//! looks like, and a client of several versions gets the one that both sides speak.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_wire::{CloseCode, Hello, VERSION, VersionRange};
use support::*;

/// Sends a HELLO with this body, and returns the code of the CLOSE that answers it.
fn closed_with(hub: &hub_server::RunningHub, body: &[u8]) -> CloseCode {
    let mut client = Client::connect(hub.clients());
    client.send(&framed(body));
    let answers = client.rest();
    let [Got::Close(close), Got::End] = answers.as_slice() else {
        panic!("{body:02x?}: {answers:?}")
    };
    close.code
}

#[test]
fn another_version_is_told_so_whatever_follows_it() {
    let hub = hub();
    let mut long = b"\x94\x01\xa3hub\x02\x81\xa4blob\xc5\x0f\x00".to_vec();
    long.resize(long.len() + 0xf00, 0);
    for body in [
        b"\x94\x01\xa3hub\x02\x80".as_slice(),
        b"\x94\x01\xa3hub\x00\x80",
        b"\x93\x01\xa3hub\x02",
        b"\x9f\x01\xa3hub\x02\xc1\xff\x00 not even MessagePack",
        b"\x94\x01\xa3hub\x02\x90",
        b"\x94\x01\xa3hub\x02\x81\xa4name\x07",
        b"\x94\x01\xa3hub\x02\x82\xa1a\x01\xa1a\x02",
        b"\x95\x01\xa3hub\x02\x80\xa3new",
        b"\x94\x01\xa3hub\xcf\xff\xff\xff\xff\xff\xff\xff\xff\x80",
        b"\x94\x01\xa3hub\x92\x02\x07\x80",
        b"\x94\x01\xa3hub\xdc\x00\x02\x02\xcd\x01\x00\xc1",
        &long,
    ] {
        assert_eq!(closed_with(&hub, body), CloseCode::Version, "{body:02x?}");
    }
}

#[test]
fn a_hello_without_a_readable_version_is_no_hello() {
    let hub = hub();
    for body in [
        b"\x94\x01\xa3bus\x02\x80".as_slice(),
        b"\x94\x01\xa3hub\xa12\x80",
        b"\x94\x01\xa3hub\xff\x80",
        b"\x94\x01\xa3hub\x90\x80",
        b"\x94\x01\xa3hub\x91\x02\x80",
        b"\x94\x01\xa3hub\x93\x01\x02\x03\x80",
        b"\x94\x01\xa3hub\x92\x03\x02\x80",
        b"\x94\x01\xa3hub\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00\x80",
    ] {
        assert_eq!(closed_with(&hub, body), CloseCode::Protocol, "{body:02x?}");
    }
}

#[test]
fn a_range_with_the_version_of_the_hub_is_welcomed_with_that_version() {
    let hub = hub();
    for (oldest, newest) in [(0, 1), (1, 1), (1, 9), (0, u64::MAX)] {
        let versions = VersionRange { oldest, newest };
        let client = Client::open_as(hub.clients(), &Hello { versions, ..hello("new") });
        assert_eq!(client.welcome().version, VERSION, "{oldest} to {newest}");
    }
}

/// Only the first frame is about versions.
#[test]
fn a_second_hello_of_another_version_is_a_second_hello() {
    let hub = hub();
    let mut client = Client::open(hub.clients());
    client.send(&framed(b"\x94\x01\xa3hub\x02\x80"));
    let answers = client.rest();
    let [Got::Close(close), Got::End] = answers.as_slice() else { panic!("{answers:?}") };
    assert_eq!(close.code, CloseCode::Protocol);
}
