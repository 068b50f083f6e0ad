//! Promise: connections that come in masses, and say nothing or leave at once, harm nobody and
//! leave nothing behind; and a hub that has no file descriptor left accepts again when it has.
//!
//! The hub is a process of its own. `HUB_TEST_SECONDS` makes the reconnecting longer.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;
mod wire;

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};
use wire::frames::*;
use wire::{Client, Got, Server, seconds, sockets, wait_until};

const MIB: u64 = 1024 * 1024;

/// The delivery times of events that one client sends to another one, in ascending order.
fn round_trips(from: &mut Client, to: &mut Client, count: u64) -> Vec<Duration> {
    let mut times: Vec<_> = (0..count)
        .map(|n| {
            let start = Instant::now();
            from.send(&event("t", &numbered(n, 100)));
            assert_eq!(id_in(&to.event().payload), n);
            start.elapsed()
        })
        .collect();
    times.sort();
    times
}

fn p99(times: &[Duration]) -> Duration {
    times[times.len() * 99 / 100]
}

#[test]
fn thousands_that_say_hello_byte_by_byte_disturb_nobody() {
    let count = sockets(5_000);
    let hub = Server::start(&["--handshake-ms=600000"]);
    let (mut from, mut to) = (Client::open(hub.clients), Client::open(hub.clients));
    to.subscribe(&subscription(1, "t"));
    const EVENTS: u64 = 2_000;
    let alone = round_trips(&mut from, &mut to, EVENTS);
    // A HELLO of which all bytes but the last come, one after another.
    let hello = hub_wire::Frame::Hello(hello("slow")).to_bytes();
    let mut slow: Vec<TcpStream> =
        (0..count).map(|_| TcpStream::connect(hub.clients).unwrap()).collect();
    let all = count as u64 + 2;
    wait_until("all were accepted", || hub.metric("hub_connections_total") == all);
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let dripping = std::thread::spawn(move || {
        for byte in &hello[..hello.len() - 1] {
            for socket in &mut slow {
                socket.write_all(&[*byte]).unwrap();
                if stopped.try_recv().is_ok() {
                    return slow;
                }
            }
        }
        stopped.recv().unwrap();
        slow
    });
    let among = round_trips(&mut from, &mut to, EVENTS);
    stop.send(()).unwrap();
    let slow = dripping.join().unwrap();
    eprintln!("p99 of {EVENTS}: alone {:?}, among {count}: {:?}", p99(&alone), p99(&among));
    assert_eq!(hub.metric("hub_connections"), all);
    drop(slow);
    wait_until("they are gone", || hub.metric("hub_connections") == 2);
    round_trips(&mut from, &mut to, 10);
}

/// Connects, gets in and says goodbye for `time`, at most 2,000 times a second.
fn reconnect_for(hub: &Server, time: Duration) -> u64 {
    const A_SECOND: f64 = 2_000.0;
    let start = Instant::now();
    let mut count = 0;
    while start.elapsed() < time {
        if f64::from(count) > start.elapsed().as_secs_f64() * A_SECOND {
            std::thread::sleep(Duration::from_millis(1));
            continue;
        }
        // From many addresses: the ports of one would not do.
        let mut client = Client::over(connect_from(hub, count));
        client.hello(&hello("come-and-go"));
        client.send(&goodbye());
        assert_eq!(client.rest().last(), Some(&Got::End));
        count += 1;
    }
    u64::from(count)
}

fn connect_from(hub: &Server, turn: u32) -> TcpStream {
    use socket2::{Domain, Socket, Type};
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let [.., third, fourth] = (turn / 1_000).to_be_bytes();
    let source = std::net::SocketAddr::from(([127, 1, third, fourth.max(1)], 0));
    socket.bind(&source.into()).unwrap();
    socket.connect(&hub.clients.into()).unwrap();
    socket.into()
}

#[test]
fn who_comes_and_goes_leaves_nothing_behind() {
    let hub = Server::start(&[]);
    let gone = || wait_until("all are gone", || hub.metric("hub_connections") == 0);
    // What the process keeps for itself is there after some.
    let warm = reconnect_for(&hub, Duration::from_secs(1));
    gone();
    let (files, resident) = (hub.files(), hub.memory("VmRSS"));
    let time = seconds(3);
    let more = reconnect_for(&hub, time);
    gone();
    let grown = hub.memory("VmRSS").saturating_sub(resident);
    eprintln!("{warm} and {more} connections in 1 s and {time:?}; grew by {} KiB", grown / 1024);
    assert!(more > 0 && hub.files() <= files + 2, "{files} files became {}", hub.files());
    assert!(grown < 4 * MIB, "{grown}");
}

#[test]
fn a_hub_without_file_descriptors_accepts_again_when_it_has_some() {
    let hub = Server::start_with_files(128, &["--threads=1", "--log=error"]);
    let mut known = Client::open(hub.clients);
    known.barrier();
    let many: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(hub.clients).unwrap()).collect();
    let limited = || hub.metric("hub_limited_total{limit=\"file_descriptors\"}") > 0;
    wait_until("none is left for more", limited);
    known.barrier();
    drop(many);
    wait_until("they are gone", || hub.metric("hub_connections") == 1);
    let mut new = Client::open(hub.clients);
    new.barrier();
    known.barrier();
}
