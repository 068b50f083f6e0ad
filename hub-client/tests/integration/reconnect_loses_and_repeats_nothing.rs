//! Promise: while the hub lives, a lost connection loses no event and repeats none, neither on
//! the way to the hub nor on the way from it; wherever the connection breaks.
//!
//! Publisher and subscriber each go through a proxy that cuts their connections after a random
//! number of bytes, again and again. The subscriber must see each event once, in order.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support::proxy;

use hub_client::{Client, Delivery, Emitter, Headers, SubscribeOptions};
use hub_server::RunningHub;
use hub_wire::{Overflow, TopicFilter, TopicName};
use proxy::{Proxy, Random};
use std::net::SocketAddr;
use std::time::Duration;

async fn client(address: SocketAddr) -> Client {
    let builder = Client::builder(&format!("hub://{address}"))
        .backoff_min(Duration::from_millis(1))
        .backoff_max(Duration::from_millis(4))
        .publish_log_bytes(20_000);
    builder.patience(Duration::from_secs(20)).connect().await.unwrap()
}

async fn publish(client: &Client, events: u64, seed: u64) {
    let (topic, headers) = (TopicName::parse("t").unwrap(), Headers::new());
    let mut random = Random(seed);
    for number in 0..events {
        let payload = hub_client::encode(&(number, "x".repeat(random.next() as usize % 300)));
        let payload = payload.unwrap();
        if random.next().is_multiple_of(50) {
            client.emit_raw(&topic, payload, &headers).await.unwrap();
        } else {
            client.publish_raw(&topic, &payload, &headers).await.unwrap();
        }
    }
    client.flush().await.unwrap();
}

async fn run(seed: u64, events: u64, cuts: u64, bytes: u64) {
    eprintln!("seed {seed}");
    let hub = RunningHub::on_free_ports().unwrap();
    let towards = Proxy::start(hub.clients(), cuts, bytes, seed).await;
    let from = Proxy::start(hub.clients(), cuts, bytes, !seed).await;
    let subscriber = client(from.address).await;
    let options = SubscribeOptions::new().overflow(Overflow::Block).capacity(100);
    let filter = TopicFilter::parse("t").unwrap();
    let mut subscription = subscriber.subscribe(filter, options).await.unwrap();
    let publisher = client(towards.address).await;
    let reading = async {
        for number in 0..events {
            match subscription.next().await {
                Some(Delivery::Message(message)) => {
                    let (got, _): (u64, String) = message.decode().unwrap();
                    assert_eq!((got, message.seq), (number, number + 1), "seed {seed}");
                }
                other => panic!("seed {seed}: {other:?} in the place of {number}"),
            }
        }
    };
    let all = async { tokio::join!(publish(&publisher, events, seed), reading) };
    if tokio::time::timeout(Duration::from_secs(60), all).await.is_err() {
        panic!("seed {seed}: it took too long; {} and {} cuts", towards.cuts(), from.cuts());
    }
    eprintln!("{} and {} cuts", towards.cuts(), from.cuts());
    assert!(towards.cuts() > cuts / 4 && from.cuts() > cuts / 4, "the connections were cut");
    publisher.close().await;
    subscriber.close().await;
}

#[tokio::test]
async fn however_often_the_connections_are_cut() {
    run(getrandom::u64().unwrap(), 3000, 100, 12_000).await;
}

#[tokio::test]
async fn also_when_they_are_cut_within_the_first_frames() {
    run(getrandom::u64().unwrap(), 100, 100, 700).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn also_with_several_threads() {
    run(getrandom::u64().unwrap(), 3000, 100, 12_000).await;
}
