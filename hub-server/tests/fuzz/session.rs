//! Claim: whatever bytes a stranger sends to a hub's port, in whatever pieces, the hub ends that
//! connection in order, with frames it can be asked for and FIN at the end, never with RST; and
//! goes on for others.
//!
//! `docs/testing.md` tells how to run this for long.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_wire::{Frame, Hello, Overflow, RefusedWhat};
use support::*;

/// Frames that a client sends, which the fuzzer's bytes come between.
fn known(which: u8) -> Vec<u8> {
    match which % 12 {
        0 => Frame::Hello(hello("fuzz")).to_bytes(),
        1 => Frame::Hello(hello_of([which; 16])).to_bytes(),
        2 => Frame::Hello(Hello { receipts: true, receipted: Some(9), ..Hello::default() })
            .to_bytes(),
        3 => event("fuzz.a", b"\xc0"),
        4 => event_with("fuzz.a", b"\x81\xa1k\xa1v", &[("key", "k"), ("reply", "$inbox.1")]),
        5 => subscribe(&subscription(u64::from(which), "fuzz.**")),
        6 => subscribe(&support::subscription_after(1, "fuzz.a", &[("fuzz.a", 1, 1)])),
        7 => subscribe(&hub_wire::Subscribe {
            overflow: Overflow::ALL[usize::from(which) % Overflow::ALL.len()],
            group: Some("g".to_owned()),
            ..subscription(u64::from(which % 4), "fuzz.*")
        }),
        8 => unsubscribe(u64::from(which % 4)),
        9 => ping(u64::from(which)),
        10 => Frame::Pong { token: 1 }.to_bytes(),
        _ => goodbye(),
    }
}

/// What a fuzzer's bytes stand for: 0xff and a number are a known frame, 0xfe and a length a
/// frame of the bytes that follow; the rest is as it is.
fn stream(input: &[u8]) -> Vec<u8> {
    let (mut rest, mut out) = (input, Vec::new());
    while let [first, after @ ..] = rest {
        rest = match (first, after) {
            (0xff, [which, after @ ..]) => {
                out.extend(known(*which));
                after
            }
            (0xfe, [length, after @ ..]) => {
                let body;
                (body, rest) = after.split_at(usize::from(*length).min(after.len()));
                out.extend(framed(body));
                rest
            }
            (byte, after) => {
                out.push(*byte);
                after
            }
        };
    }
    out
}

#[test]
fn session_any_bytes() {
    let hub = hub();
    let address = hub.clients();
    let witness = std::sync::Mutex::new(Client::open(address));
    bolero::check!().for_each(|input: &[u8]| {
        let mut stranger = Client::connect(address);
        let bytes = stream(input);
        let half = bytes.len() / 2;
        stranger.try_send(&bytes[..half]);
        stranger.try_send(&bytes[half..]);
        // The hub may have ended it already, and then there is nothing left to end.
        let _ = stranger.socket.shutdown(std::net::Shutdown::Write);
        let got = stranger.rest();
        assert_eq!(got.last(), Some(&Got::End), "{bytes:02x?}");
        // Nothing is refused that was not sent, and CLOSE is the last frame.
        let close = got.iter().position(|got| matches!(got, Got::Close(_)));
        assert!(close.is_none_or(|at| at + 2 == got.len()), "{got:?}");
        let first = got.first();
        assert!(
            matches!(first, Some(Got::Welcome(_) | Got::Close(_) | Got::End)),
            "{first:?} before WELCOME"
        );
        for refused in &got {
            if let Got::Refused(refused) = refused {
                assert!(refused.what != RefusedWhat::Event || refused.number < 10_000);
            }
        }
        // The pong comes from the same thread that served the stranger, or from one beside it.
        witness.lock().unwrap().barrier();
    });
}
