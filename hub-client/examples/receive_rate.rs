//! Measures how fast one task receives: `cargo run --release -p hub-client --example receive_rate`.
//!
//! The other end is a thread that writes runs, and not a hub, so that the client alone is measured.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement for the terminal")]

use hub_client::{Client, Emitter, SubscribeOptions};
use hub_wire::{
    EventFrame, Frame, Limits, Overflow, RunHead, SubscriptionIds, TopicFilter, VERSION, Welcome,
};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

const EVENTS: u64 = 4_000_000;

fn main() {
    for run in [1, 10, 400] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("hub://{}", listener.local_addr().unwrap());
        let source = std::thread::spawn(move || send(listener.accept().unwrap().0, run));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = Client::connect(&url).await.unwrap();
            let options = SubscribeOptions::new().overflow(Overflow::Block).capacity(4096);
            let filter = TopicFilter::parse("orders.placed").unwrap();
            let mut subscription = client.subscribe(filter, options).await.unwrap();
            let start = Instant::now();
            for _ in 0..EVENTS {
                assert!(subscription.next().await.is_some());
            }
            let rate = EVENTS as f64 / start.elapsed().as_secs_f64() / 1e6;
            println!("{EVENTS} events of 128 B in runs of {run}: {rate:.2} million a second");
            client.close().await;
        });
        source.join().unwrap();
    }
}

/// Answers HELLO and SUBSCRIBE, then sends events in runs of `count`.
fn send(mut stream: TcpStream, count: u32) {
    let welcome = Welcome {
        version: VERSION,
        hub: [1; 16],
        connection: 1,
        resumed: false,
        kept: false,
        received: 0,
        publisher: "p#1".into(),
        inbox: "$inbox.1".into(),
        limits: Limits::default(),
        keepalive_ms: 0,
        time_ms: 0,
    };
    stream.write_all(&Frame::Welcome(welcome).to_bytes()).unwrap();
    let mut buffer = vec![0; 4096];
    let _ = stream.read(&mut buffer).unwrap(); // HELLO
    let _ = stream.read(&mut buffer).unwrap(); // SUBSCRIBE
    stream.write_all(&Frame::Subscribed { id: 1 }.to_bytes()).unwrap();
    let mut payload = vec![0xc4, 126];
    payload.resize(128, 7);
    let mut events = Vec::new();
    for _ in 0..count {
        EventFrame { topic: "orders.placed", payload: &payload, headers: None }.write(&mut events);
    }
    let head = RunHead::new("orders.placed", 1, "p#1");
    let (mut out, mut next) = (Vec::new(), 1);
    while next <= EVENTS {
        head.write(&mut out, next, count, 5, &SubscriptionIds::one(1), 1);
        out.extend_from_slice(&events);
        next += u64::from(count);
        if out.len() > 128 << 10 {
            stream.write_all(&out).unwrap();
            out.clear();
        }
    }
    let _ = stream.write_all(&out);
    // Keeps the connection open until the client has ended.
    let _ = stream.shutdown(std::net::Shutdown::Write);
    while stream.read(&mut buffer).is_ok_and(|read| read > 0) {}
}
