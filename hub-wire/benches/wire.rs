//! The walker and the reading of frames: `cargo bench -p hub-wire --bench wire`.
#![allow(missing_docs, reason = "criterion's macros make public functions")]
#![allow(clippy::unwrap_used, reason = "what fails here fails the benchmark")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hub_wire::{
    EventFrame, Frame, FrameType, Limits, Packer, RunFrame, frame_with, split, walk_all,
};
use std::hint::black_box;

/// An array of `count` values.
fn array(count: u32, mut value: impl FnMut(&mut Packer<'_>, u32)) -> Vec<u8> {
    let mut out = Vec::new();
    let mut pack = Packer(&mut out);
    pack.array(count);
    (0..count).for_each(|n| value(&mut pack, n));
    out
}

/// An order with its items, of 1 KB: what a shop would send.
fn order(items: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let mut pack = Packer(&mut out);
    pack.map(6).str("order").uint(40_017).str("customer").str("c-83120");
    pack.str("total").raw(&[0xcb]).raw(&129.95_f64.to_be_bytes());
    pack.str("city").str("Zürich, Kreis 5, near the river").str("express").bool(true);
    pack.str("items").array(items);
    for item in 0..items {
        pack.map(4).str("sku").str(&format!("SKU-{item:06}"));
        pack.str("title").str("Kettle, stainless steel, 1.7 l");
        pack.str("quantity").uint(u64::from(item % 3 + 1));
        pack.str("price").raw(&[0xcb]).raw(&4.75_f64.to_be_bytes());
    }
    out
}

/// Walking every byte of a payload, in bytes a second.
fn walker(c: &mut Criterion) {
    let latin = "Zürich, Hardturmstraße; Genève, rue du Rhône. ".repeat(25);
    let wide = "東京都渋谷区神宮前、大阪市北区梅田。".repeat(20);
    let one = |text: &str| array(1, |pack, _| _ = pack.str(text));
    let payloads: [(&str, Vec<u8>); 9] = [
        ("1000 fixints", array(1000, |pack, n| _ = pack.uint(u64::from(n % 128)))),
        ("1000 ints of 32 bits", array(1000, |pack, n| _ = pack.uint(u64::from(n) + 100_000))),
        ("200 strings of 4", array(200, |pack, _| _ = pack.str("abcd"))),
        ("100 strings of 24", array(100, |pack, _| _ = pack.str("an ordinary short string"))),
        ("1 KB of ASCII", one(&"plain text ".repeat(93))),
        ("1 KB of mostly ASCII", one(&latin)),
        ("1 KB of Japanese", one(&wide)),
        ("1 KB of bytes", array(1, |pack, _| _ = pack.bin(&[0xa5; 1024]))),
        ("1 KB map", order(12)),
    ];
    let limits = Limits::default();
    let mut group = c.benchmark_group("walk");
    for (name, payload) in payloads {
        walk_all(&payload, &limits).unwrap();
        group.throughput(Throughput::Bytes(payload.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(name), |bench| {
            bench.iter(|| walk_all(black_box(&payload), &limits));
        });
    }
    group.finish();
}

/// Splitting off and reading the frames of one read, in frames a second.
fn frames(c: &mut Criterion) {
    const FRAMES: u64 = 500;
    let limits = Limits::default();
    let topic = "orders.placed";
    let mut bin = Vec::new();
    Packer(&mut bin).bin(&[0xa5; 128]);
    let map = order(12);
    let mut headers = Vec::new();
    Packer(&mut headers).map(2).str("key").str("40017").str("type").str("OrderPlaced");
    let event = |payload: &[u8], headers| {
        let mut bytes = Vec::new();
        (0..FRAMES).for_each(|_| EventFrame { topic, payload, headers }.write(&mut bytes));
        bytes
    };
    let run = RunFrame {
        topic,
        epoch: 7,
        first: 1,
        count: 500,
        publisher: "orders#12",
        time_ms: 1_763_900_000_000,
        subscription: None,
    };
    let mut runs = Vec::new();
    (0..FRAMES).for_each(|_| Frame::Run(run).write(&mut runs));
    let mut pings = Vec::new();
    for _ in 0..FRAMES {
        frame_with(&mut pings, |out| _ = Packer(out).array(2).uint(11).uint(1));
    }
    let mut group = c.benchmark_group("frames");
    group.throughput(Throughput::Elements(FRAMES));
    for (name, bytes) in [
        ("EVENT of 128 B", event(&bin, None)),
        ("EVENT of 128 B with headers", event(&bin, Some(&headers))),
        ("EVENT with a map of 1 KB", event(&map, None)),
        ("RUN", runs),
        ("PING", pings),
    ] {
        group.bench_function(BenchmarkId::from_parameter(name), |bench| {
            bench.iter(|| {
                let mut rest = black_box(&bytes[..]);
                let mut read = 0_u64;
                while let Some(body) = split(rest, limits.frame).unwrap() {
                    Frame::parse(body, &limits).unwrap();
                    rest = &rest[4 + body.len()..];
                    read += 1;
                }
                assert_eq!(read, FRAMES);
            });
        });
    }
    // What a session does for an event on the topic of the one before.
    let bytes = event(&bin, None);
    let offset = 2 + topic.len() + 1;
    group.bench_function(BenchmarkId::from_parameter("EVENT of 128 B, known topic"), |bench| {
        bench.iter(|| {
            let mut rest = black_box(&bytes[..]);
            while let Some(body) = split(rest, limits.frame).unwrap() {
                assert_eq!(FrameType::of(body), Ok(FrameType::Event));
                EventFrame::parse_after_topic(body, offset, topic, &limits).unwrap();
                rest = &rest[4 + body.len()..];
            }
        });
    });
    group.finish();
}

criterion_group!(benches, walker, frames);
criterion_main!(benches);
