//! The claim: `hub bench` ends with exit code 7 when messages are missing that nobody announced,
//! with 6 when nothing comes at all, and with 3 when nobody listens. The setup: a server of our
//! own that speaks the protocol and keeps messages for itself.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support::tool;
use hub_bench::Payload;
use hub_bench::dialect::{Dialect, Hub};
use hub_wire::{Frame, Limits, Packer, RunHead, SubscriptionIds, frame_with, split};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Frames as they come; ends with the connection.
fn each_frame(stream: &mut TcpStream, mut see: impl FnMut(&[u8], &mut TcpStream)) {
    let (mut unread, mut buffer) = (Vec::new(), [0; 65_536]);
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        unread.extend_from_slice(&buffer[..read]);
        let mut at = 0;
        while let Some(body) = split(&unread[at..], 1 << 20).unwrap() {
            see(body, stream);
            at += 4 + body.len();
        }
        unread.drain(..at);
    }
}

/// A hub that delivers the first `honest` events to its newest subscriber and no other.
fn forgetful(honest: u64) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("hub://{}", listener.local_addr().unwrap());
    let subscriber: Arc<Mutex<Option<TcpStream>>> = Arc::default();
    let mut welcome = Vec::new();
    frame_with(&mut welcome, |out| {
        let mut pack = Packer(out);
        pack.array(3).uint(2).uint(1).map(12).str("hub").bin(&[1; 16]).str("connection").uint(1);
        pack.str("resumed")
            .bool(false)
            .str("kept")
            .bool(false)
            .str("received")
            .uint(0)
            .str("publisher")
            .str("bench#1");
        pack.str("inbox").str("$inbox.1").str("max_frame").uint(1 << 20).str("max_depth").uint(32);
        pack.str("max_elements").uint(1 << 16).str("keepalive_ms").uint(0).str("time_ms").uint(0);
    });
    let mut event = Vec::new();
    Hub::default().publish("bench", Payload::bin(128).first(), &mut event);
    std::thread::spawn(move || {
        let delivered = Arc::new(Mutex::new(0));
        while let Ok((mut stream, _)) = listener.accept() {
            let (subscriber, welcome) = (subscriber.clone(), welcome.clone());
            let (delivered, event) = (delivered.clone(), event.clone());
            std::thread::spawn(move || {
                each_frame(&mut stream, |body, stream| match Frame::parse(body, &Limits::NONE) {
                    Ok(Frame::Hello(_)) => {
                        stream.write_all(&welcome).unwrap();
                    }
                    Ok(Frame::Subscribe(asked)) => {
                        *subscriber.lock().unwrap() = Some(stream.try_clone().unwrap());
                        let frame = Frame::Subscribed { id: asked.id };
                        stream.write_all(&frame.to_bytes()).unwrap();
                    }
                    Ok(Frame::Event(_)) => {
                        let mut delivered = delivered.lock().unwrap();
                        *delivered += 1;
                        if *delivered > honest {
                            return;
                        }
                        let head = RunHead::new("bench", 1, "bench#1");
                        let one = SubscriptionIds::one(1);
                        let head = head.to_bytes(*delivered, 1, 0, &one);
                        let mut subscriber = subscriber.lock().unwrap();
                        let stream = subscriber.as_mut().unwrap();
                        // The subscriber may have ended.
                        let _ = stream.write_all(&[head, event.clone()].concat());
                    }
                    other => panic!("{other:?}"),
                });
            });
        }
    });
    url
}

#[test]
fn messages_that_nobody_announced_as_missing_are_a_loss() {
    // One for the check in front, and 500 of the measurement.
    let url = forgetful(501);
    let ended = tool(&url, ["bench", "fanout", "--seconds", "1", "--json"]).end();
    let figures = ended.json_lines().remove(0);
    assert_eq!(figures["delivered"], 500, "{figures}");
    let lost = figures["sent"].as_u64().unwrap() - 500;
    assert!(lost > 0);
    assert_eq!(figures["lost"], lost);
    assert_eq!(ended.code(), Some(7), "{}", ended.stderr);
}

#[test]
fn a_hub_that_delivers_nothing_is_not_measured() {
    let ended = tool(&forgetful(0), ["bench", "fanout", "--seconds", "1"]).end();
    assert_eq!((ended.code(), ended.text()), (Some(6), ""));
    assert!(ended.stderr.contains("no answer"), "{}", ended.stderr);
}

#[test]
fn nobody_there_is_said() {
    let ended = tool("hub://127.0.0.1:1", ["bench", "pub", "--seconds", "0.1"]).end();
    assert_eq!(ended.code(), Some(3), "{}", ended.stderr);
}
