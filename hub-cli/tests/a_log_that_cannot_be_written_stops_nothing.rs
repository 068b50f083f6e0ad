//! Promise: the hub serves on, drains and ends with code 0, though nothing that it logs can be
//! written: stderr is on a full disk, is closed, or is a pipe that nobody reads, or can read, any more.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;
mod wire;

use hub_wire::{CloseCode, RefusedCode};
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use support::{HUB, Process};
use wire::frames::*;
use wire::{Client, Got};

/// A hub that logs all it can, whose stderr the shell redirects.
fn hub(redirect: &str) -> (Process, std::net::SocketAddr) {
    let mut command = Command::new("sh");
    let serve = "serve --listen 127.0.0.1:0 --http 127.0.0.1:0 --log trace";
    command.args(["-c", &format!("exec \"$0\" {serve} {redirect}"), HUB]);
    let mut process = Process::spawn("hub serve", command);
    let line = process.stdout_line();
    let (_, rest) = line.split_once("hub://").unwrap();
    (process, rest.split(',').next().unwrap().trim().parse().unwrap())
}

fn serves_and_ends(redirect: &str) {
    let (process, address) = hub(redirect);
    // Everything that is logged at all: who comes, goes, and sends what is no frame.
    for round in 0..3 {
        let mut subscriber = Client::open(address);
        subscriber.subscribe(&subscription(1, "**"));
        let mut publisher = Client::open(address);
        publisher.send(&event("a.b", &numbered(round, 10)));
        publisher.send(&event("a.b", b"\xc1"));
        let got = publisher.barrier();
        let refused = got.iter().find_map(|got| match got {
            Got::Refused(refused) => Some(refused.code),
            _ => None,
        });
        assert_eq!(refused, Some(RefusedCode::Malformed), "{redirect}: {got:?}");
        assert_eq!(id_in(&subscriber.event().payload), round, "{redirect}");
        let mut stranger = Client::connect(address);
        stranger.send(b"GET / HTTP/1.1\r\n\r\n");
        assert!(matches!(&stranger.rest()[..], [Got::Close(_), Got::End]), "{redirect}");
    }
    let mut last = Client::open(address);
    process.signal("TERM");
    let end = last.rest();
    let [Got::Close(close), Got::End] = &end[..] else { panic!("{redirect}: {end:?}") };
    assert_eq!(close.code, CloseCode::GoingAway);
    drop(last);
    assert_eq!(process.end().code(), Some(0), "{redirect}");
}

#[test]
fn a_full_disk() {
    serves_and_ends("2>/dev/full");
}

#[test]
fn a_closed_stderr() {
    serves_and_ends("2>&-");
}

fn fifo(name: &str) -> PathBuf {
    let fifo = std::env::temp_dir().join(format!("hub-log-{name}-{}", std::process::id()));
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success(), "{}", fifo.display());
    fifo
}

#[test]
fn a_pipe_that_is_full_and_never_read() {
    let fifo = fifo("full");
    // Both ends, or it would wait for the other one. What a pipe holds by default is 64 KiB.
    let mut full = File::options().read(true).write(true).open(&fifo).unwrap();
    full.write_all(&[b'\n'; 65_536]).unwrap();
    serves_and_ends(&format!("2>'{}'", fifo.display()));
    std::fs::remove_file(&fifo).unwrap();
}

#[test]
fn a_pipe_whose_reader_has_gone() {
    let fifo = fifo("gone");
    let pipe = fifo.display();
    // It ends as soon as the hub has opened its end, before that has said anything.
    let reader = Command::new("sh").arg("-c").arg(format!(": < '{pipe}'")).spawn();
    serves_and_ends(&format!("2>'{pipe}'"));
    assert!(reader.unwrap().wait().unwrap().success());
    std::fs::remove_file(&fifo).unwrap();
}
