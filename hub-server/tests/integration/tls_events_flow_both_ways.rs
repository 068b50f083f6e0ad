//! Over TLS, events flow as without: both ways, of any size, to many clients, complete and in order.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;
use crate::tls_support;

use hub_client::{Emitter, Headers, SubscribeOptions};
use hub_wire::{Overflow, Packer, Subscribe};
use std::io::Write;
use support::{events, id_in, metric, numbered, subscription};
use tls_support::tunnel::Tunnel;
use tls_support::{Secured, filter, message, soon, topic};

fn bytes(length: usize, seed: u8) -> Vec<u8> {
    let mut packed = Vec::new();
    let value: Vec<u8> = (0..length).map(|at| (at as u8).wrapping_mul(31) ^ seed).collect();
    Packer(&mut packed).bin(&value);
    packed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_every_size_and_back() {
    let hub = Secured::new();
    let (one, two) = (soon(hub.client().connect()).await.unwrap(), hub.client());
    let two = soon(two.server_name("localhost").connect()).await.unwrap();
    let options = SubscribeOptions::new().overflow(Overflow::Block);
    let mut at_one = one.subscribe(filter("back.*"), options.clone()).await.unwrap();
    let mut at_two = two.subscribe(filter("there.*"), options).await.unwrap();
    // Around the length of a record and of the buffers, and close to the longest frame.
    let sizes = [0, 1, 16_383, 16_384, 16_385, 65_536, 131_072, 400_000, 1_048_500];
    for (at, size) in sizes.into_iter().enumerate() {
        let payload = bytes(size, at as u8);
        one.emit_raw(&topic("there.t"), payload.clone().into(), &Headers::new()).await.unwrap();
        let got = message(&mut at_two).await;
        assert!(got.payload == payload, "{size} bytes arrived differently");
        two.emit_raw(&topic("back.t"), payload.clone().into(), &Headers::new()).await.unwrap();
        let got = message(&mut at_one).await;
        assert!(got.payload == payload, "{size} bytes came back differently");
    }
    soon(one.drain()).await.unwrap();
    soon(two.drain()).await.unwrap();
    assert_eq!(metric(&hub.hub, "hub_tls_handshakes_total"), 2);
}

/// Two hundred, each of which sends as fast as it can and gets what all send.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn to_two_hundred_fast_clients() {
    const CLIENTS: u64 = 200;
    const EACH: u64 = 20;
    let hub = Secured::new();
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let client = soon(hub.client().connect()).await.unwrap();
        let options = SubscribeOptions::new().overflow(Overflow::Block);
        let subscription = client.subscribe(filter("all"), options).await.unwrap();
        clients.push((client, subscription));
    }
    let tasks = clients.into_iter().enumerate().map(|(number, (client, mut subscription))| {
        tokio::spawn(async move {
            let publisher = client.clone();
            let sending = tokio::spawn(async move {
                for n in 0..EACH {
                    let payload = numbered(number as u64 * EACH + n, 50);
                    publisher.publish_raw(&topic("all"), &payload, &Headers::new()).await.unwrap();
                }
                publisher.flush().await.unwrap();
            });
            let mut seen = vec![false; (CLIENTS * EACH) as usize];
            let mut last = 0;
            for _ in 0..CLIENTS * EACH {
                let got = message(&mut subscription).await;
                assert_eq!(got.seq, last + 1, "the topic's numbers are consecutive");
                last = got.seq;
                let id = id_in(&got.payload) as usize;
                assert!(!std::mem::replace(&mut seen[id], true), "{id} came twice");
            }
            sending.await.unwrap();
            // A listener has finished an event when it goes on or ends.
            drop(subscription);
            client
        })
    });
    let mut ended = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        ended.push(soon(task).await.unwrap());
    }
    let sums = support::Sums::settled(&hub.hub);
    assert_eq!((sums.due, sums.delivered), (CLIENTS * CLIENTS * EACH, CLIENTS * CLIENTS * EACH));
}

/// The socket takes little at a time, and what waits is encrypted already in part.
#[test]
fn through_a_narrow_socket_that_is_read_late() {
    const EVENTS: u64 = 700;
    let hub = Secured::with(|_, _, config| config.queue_bytes = 64 * 1024 * 1024);
    let tls = {
        let mut tls = hub_client::TlsOptions::default();
        tls.ca = Some(hub.files.path("ca.pem"));
        tls
    };
    let tunnel = Tunnel::new(hub.hub.clients(), &tls);
    let mut subscriber = support::open_narrow(tunnel.address);
    subscriber.subscribe(&Subscribe { overflow: Overflow::Block, ..subscription(1, "t") });
    let mut publisher = support::Client::open(tunnel.address);
    let mut writer = publisher.writer();
    let writing = std::thread::spawn(move || {
        for n in 0..EVENTS {
            writer.write_all(&support::event("t", &numbered(n, 16 * 1024))).unwrap();
        }
    });
    support::wait_until("events wait for the subscriber", || {
        metric(&hub.hub, "hub_deliveries_pending") > 100
    });
    for n in 0..EVENTS {
        assert_eq!(id_in(&subscriber.event().payload), n);
    }
    writing.join().unwrap();
    assert_eq!(events(&publisher.barrier()).len(), 0);
}
