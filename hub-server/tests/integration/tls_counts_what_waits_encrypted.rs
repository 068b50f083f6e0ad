//! What is encrypted already and waits for a socket counts for the memory budget, although no queue
//! holds it any more; and it counts no longer when it is gone, or its connection is.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;
use crate::tls_support;

use hub_wire::{Frame, split};
use rustls::{ClientConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::TcpStream;
use support::*;
use tls_support::Secured;
use tls_support::tunnel::Tunnel;

/// Most events of 60 KB that are tried: far more than sockets take.
const EVENTS: u64 = 2_000;

fn held(secured: &Secured) -> u64 {
    metric(&secured.hub, "hub_memory_held_bytes")
}

/// A subscriber that has nothing between itself and the hub, and reads when it is told to.
struct Subscriber(StreamOwned<ClientConnection, TcpStream>);

impl Subscriber {
    fn new(secured: &Secured) -> Subscriber {
        let mut tls = hub_client::TlsOptions::default();
        tls.ca = Some(secured.files.path("ca.pem"));
        let name = tls.name("localhost").unwrap();
        let connection = ClientConnection::new(tls.load().unwrap(), name).unwrap();
        let socket = connect_narrow(secured.hub.clients());
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut subscriber = Subscriber(StreamOwned::new(connection, socket));
        let hello = Frame::Hello(hello("narrow")).to_bytes();
        subscriber.0.write_all(&[hello, subscribe(&subscription(1, "t"))].concat()).unwrap();
        subscriber.0.flush().unwrap();
        // WELCOME and SUBSCRIBED.
        let mut bytes = Vec::new();
        for _ in 0..2 {
            let length = loop {
                match split(&bytes, 65_536).unwrap() {
                    Some(body) => break 4 + body.len(),
                    None => {
                        let mut some = [0; 1024];
                        let read = subscriber.0.read(&mut some).unwrap();
                        assert!(read > 0, "the hub ended the connection");
                        bytes.extend_from_slice(&some[..read]);
                    }
                }
            };
            bytes.drain(..length);
        }
        subscriber
    }
}

fn publish(publisher: &mut Client) {
    publisher.send(&event("t", &numbered(0, 60_000)));
    publisher.barrier();
}

/// Publishes until something waits for the subscriber that is in no queue.
fn publish_until_it_waits_encrypted(secured: &Secured, publisher: &mut Client, last: u64) {
    for number in 0..EVENTS {
        publish(publisher);
        // If what waits encrypted counted for nothing, one would stay in the queue in the end.
        wait_until(&format!("event {number} leaves the queue"), || {
            metric(&secured.hub, "hub_deliveries_pending") == 0
        });
        let waits = held(secured) - last;
        if waits > 0 {
            assert!(waits < 128 * 1024, "{waits}");
            return;
        }
    }
    panic!("{EVENTS} events went into sockets");
}

#[test]
fn it_counts_until_it_is_gone() {
    // Without a history, which counts too.
    let secured = Secured::with(|_, _, config| {
        (config.history_bytes, config.history_topic_bytes) = (0, 0);
    });
    let mut tls = hub_client::TlsOptions::default();
    tls.ca = Some(secured.files.path("ca.pem"));
    let tunnel = Tunnel::new(secured.hub.clients(), &tls);
    let mut publisher = Client::open(tunnel.address);
    // The newest event of the topic is kept, and all of them are of one size.
    publish(&mut publisher);
    let mut subscriber = Subscriber::new(&secured);
    let last = held(&secured);
    publish_until_it_waits_encrypted(&secured, &mut publisher, last);
    let reading = std::thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while matches!(subscriber.0.read(&mut buffer), Ok(read) if read > 0) {}
    });
    wait_until("what waited is gone", || held(&secured) == last);

    let ends = Subscriber::new(&secured);
    publish_until_it_waits_encrypted(&secured, &mut publisher, last);
    drop(ends);
    wait_until("its connection is gone", || held(&secured) == last);
    drop((publisher, tunnel, secured));
    reading.join().unwrap();
}
