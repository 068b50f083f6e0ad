//! The raw client of the hub's own tests, and a `hub serve` to use it on.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

#[path = "../../../hub-server/tests/support/client.rs"]
pub(crate) mod client;
#[path = "../../../hub-server/tests/support/frames.rs"]
pub(crate) mod frames;

#[allow(unused_imports, reason = "each test file uses its own part")]
pub(crate) use client::{Client, Got};

use crate::support::{HUB, PATIENCE, Process};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

/// A real hub in a process of its own, and where it listens.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) clients: SocketAddr,
    pub(crate) http: SocketAddr,
}

impl Server {
    pub(crate) fn start(flags: &[&str]) -> Server {
        let mut command = Command::new(HUB);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"])
            .args(["--keepalive-ms", "600000", "--handshake-ms", "600000"])
            .args(flags);
        let mut process = Process::spawn("hub serve", command);
        let line = process.stdout_line();
        let at = |scheme: &str| {
            let (_, rest) = line.split_once(scheme).unwrap_or_else(|| panic!("{line:?}"));
            rest.split([',', '\n']).next().unwrap().trim().parse().unwrap()
        };
        Server { clients: at("hub://"), http: at("http://"), process }
    }
    /// The answer to an HTTP request, head and body.
    pub(crate) fn get(&self, path: &str) -> String {
        let mut socket = TcpStream::connect(self.http).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(socket, "GET {path} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        socket.read_to_string(&mut text).unwrap();
        text
    }
}
