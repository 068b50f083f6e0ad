//! Measures how fast one task publishes: `cargo run --release -p hub-client --example
//! publish_rate`.
//!
//! The other end is a thread that counts frames and sends receipts, and not a hub, so that the
//! client alone is measured.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement for the terminal")]

use hub_client::{Client, Headers};
use hub_wire::{Frame, Limits, TopicName, VERSION, Welcome};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

const EVENTS: u64 = 10_000_000;

fn main() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("hub://{}", listener.local_addr().unwrap());
    let sink = std::thread::spawn(move || count(listener.accept().unwrap().0));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = Client::connect(&url).await.unwrap();
        let topic = TopicName::parse("orders.placed").unwrap();
        let mut payload = vec![0xc4, 126];
        payload.resize(128, 7);
        let (headers, start) = (Headers::new(), Instant::now());
        for _ in 0..EVENTS {
            client.publish_raw(&topic, &payload, &headers).await.unwrap();
        }
        client.flush().await.unwrap();
        let rate = EVENTS as f64 / start.elapsed().as_secs_f64() / 1e6;
        println!("{EVENTS} events of 128 B: {rate:.2} million a second");
        client.close().await;
    });
    assert_eq!(sink.join().unwrap(), EVENTS);
}

/// Answers HELLO, then counts EVENT frames and sends a receipt for those of each read.
fn count(mut stream: TcpStream) -> u64 {
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
    let mut buffer = vec![0; 256 << 10];
    let (mut filled, mut frames) = (0, 0_u64);
    loop {
        let read = stream.read(&mut buffer[filled..]).unwrap();
        if read == 0 {
            return frames;
        }
        filled += read;
        let mut at = 0;
        while let Some(length) = buffer[at..filled].first_chunk::<4>() {
            let end = at + 4 + u32::from_be_bytes(*length) as usize;
            if end > filled {
                break;
            }
            frames += u64::from(buffer[at + 5] == 3);
            at = end;
        }
        buffer.copy_within(at..filled, 0);
        filled -= at;
        stream.write_all(&Frame::Receipt { next: frames }.to_bytes()).unwrap();
    }
}
