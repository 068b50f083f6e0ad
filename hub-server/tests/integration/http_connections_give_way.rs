//! Promise: whoever holds connections of HTTP keeps nobody from an answer, and takes nothing that
//! clients and files need.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use std::net::TcpStream;
use std::time::{Duration, Instant};
use support::*;

/// What a stranger sends who then holds the connection open.
const BEGINNINGS: [&str; 6] = [
    "",
    "GET /healthz HT",
    "GET /metrics HTTP/1.1\r\nhost: x\r\nx: ",
    "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
    "POST /admin/reload HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n",
    "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\nGET /metrics HTTP/1.1\r\nhost: x\r\n\r\n",
];

#[test]
fn a_probe_is_answered_while_a_thousand_strangers_hold_connections() {
    let seed = Random::seed("HUB_TEST_SEED");
    eprintln!("HUB_TEST_SEED={seed}");
    let mut random = Random(seed);
    let hub = hub();
    // Strangers from this address of the probe itself, from another one, and from many.
    for addresses in [0, 1, 200] {
        let mut strangers: Vec<TcpStream> = Vec::new();
        let mut slowest = Duration::ZERO;
        for number in 0..1_000 {
            let from = match addresses {
                0 => "127.0.0.1".to_owned(),
                _ => format!("127.0.0.{}", 2 + random.below(addresses)),
            };
            let mut stranger = connect_from(&from, hub.http());
            stranger.try_send(BEGINNINGS[random.below(BEGINNINGS.len())].as_bytes());
            strangers.push(stranger.socket);
            if number % 50 == 49 {
                let start = Instant::now();
                assert_eq!(http_get(&hub, "/healthz"), "ok\n");
                slowest = slowest.max(start.elapsed());
            }
        }
        eprintln!("{addresses} addresses: {slowest:?}");
        // It does not wait until the others have to send their heads, which takes a second.
        assert!(slowest < Duration::from_secs(30), "{slowest:?}");
        let mut client = Client::open(hub.clients());
        client.barrier();
    }
}
