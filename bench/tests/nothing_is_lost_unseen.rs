//! The claim: what the generator reports is what a server did. The setup: the real byte relay,
//! which delivers everything, and a server of our own that changes a byte.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use hub_bench::dialect::{HELLO_SUBSCRIBE, RELAY_WELCOME, Raw};
use hub_bench::load::{self, Group, LoadPlan};
use hub_bench::{BenchError, Payload, usage::Usage};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The relay, which ends with its standard input.
struct Relay {
    child: Child,
    addr: SocketAddr,
}

impl Relay {
    fn start() -> Relay {
        let mut child = Command::new(env!("CARGO_BIN_EXE_byte-relay"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Relay { child, addr: line.trim().parse().unwrap() }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn plan(addr: SocketAddr, groups: Vec<Group>, rate: Option<f64>) -> LoadPlan<'static> {
    LoadPlan {
        dialect: &Raw,
        addr,
        groups,
        payload: Payload::bin(100),
        rate,
        duration: Duration::from_secs(1),
        window: 1 << 20,
        chunk: 16 << 10,
        readers: 2,
        probe: None,
        watch: None,
    }
}

fn group(topic: &str, publishers: usize, subscribers: usize) -> Group {
    Group { topics: vec![topic.to_owned()], publishers, subscribers }
}

#[test]
fn a_flood_through_the_relay_arrives_at_each_subscriber() {
    let relay = Relay::start();
    let outcome =
        load::run(&plan(relay.addr, vec![group("a", 1, 3), group("b", 1, 1)], None)).unwrap();
    assert!(outcome.sent > 0 && outcome.due > outcome.sent, "{outcome:?}");
    assert_eq!((outcome.delivered, outcome.lost()), (outcome.due, 0));
    assert_eq!(outcome.received_bytes, 100 * outcome.delivered);
    assert!(outcome.latency.is_empty(), "a flood has no stamps");
}

#[test]
fn a_paced_run_stamps_and_times_each_delivery() {
    let relay = Relay::start();
    let outcome = load::run(&plan(relay.addr, vec![group("a", 1, 2)], Some(500.0))).unwrap();
    assert_eq!(outcome.delivered, 2 * outcome.sent);
    assert_eq!(outcome.latency.len(), outcome.delivered);
    assert!(outcome.latency.min() > 0 && outcome.latency.max() < 60_000_000_000);
}

#[test]
fn the_servers_use_is_that_of_the_run() {
    let relay = Relay::start();
    let pid = relay.child.id();
    let probe = || Usage::of_process(pid).ok();
    let plan = LoadPlan { probe: Some(&probe), ..plan(relay.addr, vec![group("a", 1, 1)], None) };
    let outcome = load::run(&plan).unwrap();
    let usage = outcome.usage.unwrap();
    assert!(usage.cpu > Duration::ZERO && usage.peak >= usage.resident, "{usage:?}");
    assert!(outcome.cpu_us().unwrap() > 0.0);
}

/// Like the relay, but the last byte of everything it passes on is another one.
fn forger() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let subscriber: Arc<Mutex<Option<TcpStream>>> = Arc::default();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let subscriber = subscriber.clone();
            std::thread::spawn(move || {
                let mut line = String::new();
                BufReader::new(stream.try_clone().unwrap()).read_line(&mut line).unwrap();
                if line.starts_with(HELLO_SUBSCRIBE) {
                    *subscriber.lock().unwrap() = Some(stream.try_clone().unwrap());
                }
                stream.write_all(RELAY_WELCOME.as_bytes()).unwrap();
                let mut message = [0; 100];
                if stream.read_exact(&mut message).is_ok() {
                    message[99] ^= 1;
                    subscriber.lock().unwrap().as_ref().unwrap().write_all(&message).unwrap();
                }
            });
        }
    });
    addr
}

#[test]
fn a_server_that_changes_a_byte_is_not_measured() {
    let error = load::run(&plan(forger(), vec![group("a", 1, 1)], None)).unwrap_err();
    assert!(matches!(error, BenchError::Server(_)), "{error:?}");
    assert!(error.to_string().contains("another message"), "{error}");
}

#[test]
fn a_plan_that_cannot_be_is_refused() {
    let relay = Relay::start();
    let two = Group { topics: vec!["a".into(), "bb".into()], publishers: 1, subscribers: 1 };
    for groups in [Vec::new(), vec![two]] {
        let error = load::run(&plan(relay.addr, groups, None)).unwrap_err();
        assert!(matches!(error, BenchError::Plan(_)), "{error:?}");
    }
}
