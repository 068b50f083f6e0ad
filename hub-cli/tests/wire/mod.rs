//! Runs `hub serve`, and gives tests the raw client of hub-server's tests to use on it.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

#[path = "../../../hub-server/tests/support/client.rs"]
pub(crate) mod client;
#[path = "../../../hub-server/tests/support/frames.rs"]
pub(crate) mod frames;
#[path = "../../../hub-server/tests/support/seen.rs"]
pub(crate) mod seen;

#[allow(unused_imports, reason = "each test file uses its own part")]
pub(crate) use client::{Client, Got};

use crate::support::{HUB, PATIENCE, Process};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

/// Holds a real hub in a process of its own, and the addresses at which it listens.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) clients: SocketAddr,
    pub(crate) http: SocketAddr,
}

impl Server {
    pub(crate) fn start(flags: &[&str]) -> Server {
        Server::start_as(Command::new(HUB), flags)
    }

    /// Starts a hub that can have at most `files` files and sockets open.
    pub(crate) fn start_with_files(files: u32, flags: &[&str]) -> Server {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -n {files}; exec \"$0\" \"$@\""), HUB]);
        Server::start_as(command, flags)
    }

    fn start_as(mut command: Command, flags: &[&str]) -> Server {
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"])
            .args(["--keepalive-ms", "600000", "--handshake-ms", "600000"])
            .args(flags);
        Server::run(command)
    }

    /// Runs a command that serves, and waits until it says where it listens.
    pub(crate) fn run(command: Command) -> Server {
        let mut process = Process::spawn("hub serve", command);
        let line = process.stdout_line();
        let at = |scheme: &str| {
            let (_, rest) = line.split_once(scheme).unwrap_or_else(|| panic!("{line:?}"));
            rest.split([',', '\n']).next().unwrap().trim().parse().unwrap()
        };
        Server { clients: at("hub://"), http: at("http://"), process }
    }

    /// Returns one metric, whose name has the form of Prometheus, with its labels. Returns 0 if it has
    /// not been counted yet.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let metrics = self.get("/metrics");
        let mut lines = metrics.lines().filter_map(|line| line.rsplit_once(' '));
        let value = lines.find(|(known, _)| *known == name);
        value.map_or(0, |(_, value)| value.parse::<f64>().unwrap() as u64)
    }

    /// Returns a figure of the hub's memory in bytes. `VmRSS` is the resident memory at the moment, and
    /// `VmHWM` is the most that there was so far.
    pub(crate) fn memory(&self, figure: &str) -> u64 {
        let path = format!("/proc/{}/status", self.process.id());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(figure)).unwrap();
        let kib: u64 = line.trim_matches([':', ' ', '\t']).trim_end_matches(" kB").parse().unwrap();
        kib * 1024
    }

    /// Returns how many files and sockets the hub has open.
    pub(crate) fn files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.process.id())).unwrap().count()
    }

    /// Sends a GET request over HTTP, and returns the head and the body of the answer.
    pub(crate) fn get(&self, path: &str) -> String {
        let mut socket = TcpStream::connect(self.http).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(socket, "GET {path} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        socket.read_to_string(&mut text).unwrap();
        text
    }
}

/// Returns how many sockets a test can open, which is at most `wanted`. This process needs some file
/// descriptors for itself.
pub(crate) fn sockets(wanted: usize) -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let limit = line.split_whitespace().nth(3).unwrap();
    let sockets = wanted.min(limit.parse().unwrap_or(usize::MAX).saturating_sub(200));
    eprintln!("{sockets} sockets");
    sockets
}

/// Returns for how long a long test runs. This is `HUB_TEST_SECONDS`, or `default` seconds if the
/// variable is not set.
pub(crate) fn seconds(default: u64) -> std::time::Duration {
    let seconds = std::env::var("HUB_TEST_SECONDS").map_or(default, |more| more.parse().unwrap());
    std::time::Duration::from_secs(seconds)
}

/// Waits until `is_so` returns true. Fails the test if that takes longer than [`PATIENCE`].
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = std::time::Instant::now() + PATIENCE;
    while !is_so() {
        assert!(std::time::Instant::now() < until, "it never came about that {what}");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}
