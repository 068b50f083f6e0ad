//! Holds the parts that tests share: a hub on free ports, a client that controls every byte, metrics,
//! and random numbers that a seed repeats.
#![allow(dead_code, unused_imports, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

pub(crate) mod client;
pub(crate) mod frames;
pub(crate) mod log;
pub(crate) mod random;
pub(crate) mod seen;

pub(crate) use client::{Client, Delivered, Got, PATIENCE, events};
pub(crate) use frames::*;
pub(crate) use log::Log;
pub(crate) use random::Random;
pub(crate) use seen::Seen;

use hub_server::{Config, RunningHub};
use socket2::{Domain, Socket, Type};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Starts a hub with a change to the default configuration. The keep-alive time is long, so that a busy
/// machine ends no connection that a test still needs. The time for the handshake is long too, so that
/// no timer wakes a session that something else should have woken.
pub(crate) fn hub_with(change: impl FnOnce(&mut Config)) -> RunningHub {
    let mut config = Config { keepalive_ms: 600_000, handshake_ms: 600_000, ..Config::default() };
    config.listen.set_port(0);
    config.http.set_port(0);
    change(&mut config);
    RunningHub::start(config.validate().unwrap()).unwrap()
}

pub(crate) fn hub() -> RunningHub {
    hub_with(|_| {})
}

/// Connects with a socket whose receive buffer is small. Bytes that the client does not read soon wait
/// in the hub.
pub(crate) fn connect_narrow(address: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(32 * 1024).unwrap();
    socket.connect(&address.into()).unwrap();
    socket.into()
}

/// Opens a client as [`Client::open`] does, on a connection from [`connect_narrow`].
pub(crate) fn open_narrow(address: SocketAddr) -> Client {
    let mut client = Client::over(connect_narrow(address));
    client.hello(&hello("narrow"));
    client
}

/// Connects from the address `source` of this machine.
pub(crate) fn connect_from(source: &str, to: SocketAddr) -> Client {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let source: SocketAddr = format!("{source}:0").parse().unwrap();
    socket.bind(&source.into()).unwrap();
    socket.connect(&to.into()).unwrap();
    Client::over(TcpStream::from(socket))
}

/// Sends a request over HTTP from this machine. Returns the status and the body of the answer. The
/// host is `localhost` if the headers name none.
pub(crate) fn http(
    hub: &RunningHub,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> (u16, String) {
    let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "Host") {
        request.push_str("Host: localhost\r\n");
    }
    for (name, value) in headers {
        write!(request, "{name}: {value}\r\n").unwrap();
    }
    let mut socket = TcpStream::connect(hub.http()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.write_all(format!("{request}\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// Returns the body of the answer to a GET request over HTTP from this machine.
pub(crate) fn http_get(hub: &RunningHub, path: &str) -> String {
    http(hub, "GET", path, &[]).1
}

/// Returns the value of each of the hub's metrics. A key is a name with labels in the form of
/// Prometheus.
pub(crate) fn metrics(hub: &RunningHub) -> HashMap<String, f64> {
    let body = http_get(hub, "/metrics");
    let lines = body.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.rsplit_once(' '))
        .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)))
        .collect()
}

/// Returns one metric, or 0 if it has not been counted yet.
pub(crate) fn metric(hub: &RunningHub, name: &str) -> u64 {
    metrics(hub).get(name).map_or(0, |value| *value as u64)
}

/// Returns how often the hub refused, delayed or ended something because of this limit.
pub(crate) fn limited(hub: &RunningHub, limit: &str) -> u64 {
    metric(hub, &format!("hub_limited_total{{limit=\"{limit}\"}}"))
}

/// Counts the deliveries that were due, by what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) due: u64,
    pub(crate) delivered: u64,
    pub(crate) overflow: u64,
    pub(crate) conflated: u64,
    pub(crate) disconnected: u64,
    pub(crate) given_up: u64,
    pub(crate) pending: u64,
}

impl Sums {
    pub(crate) fn of(hub: &RunningHub) -> Sums {
        let all = metrics(hub);
        let get = |name: &str| all.get(name).map_or(0, |value| *value as u64);
        let dropped =
            |reason: &str| get(&format!("hub_deliveries_dropped_total{{reason=\"{reason}\"}}"));
        Sums {
            due: get("hub_deliveries_due_total"),
            delivered: get("hub_deliveries_total"),
            overflow: dropped("overflow"),
            conflated: dropped("conflated"),
            disconnected: dropped("disconnected"),
            given_up: dropped("given_up"),
            pending: get("hub_deliveries_pending"),
        }
    }
}

impl Sums {
    /// Waits until no delivery is pending, and returns the counts. The wait is needed because the hub
    /// counts a delivery after it has written it, when the test may have read it already.
    pub(crate) fn settled(hub: &RunningHub) -> Sums {
        wait_until("nothing waits", || Sums::of(hub).pending == 0);
        Sums::of(hub)
    }
}

/// Waits until `is_so` returns true. Fails the test if that takes longer than [`PATIENCE`].
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "it never came about that {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
