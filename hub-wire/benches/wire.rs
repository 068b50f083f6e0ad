//! Benchmarks of the walker and of reading frames. Run them with `cargo bench -p hub-wire --bench wire`.
//!
//! Each benchmark uses [`DIFFERENT`] messages that all differ and are made from a fixed seed. With one
//! message alone, the processor learns the direction of each branch, and the benchmark shows a speed that no
//! real load reaches.
#![allow(missing_docs, reason = "criterion's macros make public functions")]
#![allow(clippy::unwrap_used, reason = "what fails here fails the benchmark")]

#[allow(dead_code, unused_imports, unreachable_pub, reason = "the load generator uses more of it")]
#[path = "../../bench/src/payload/mod.rs"]
mod payload;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fastrand::Rng;
use hub_wire::{
    EventFrame, Frame, FrameType, Limits, Packer, RunFrame, SubscriptionIds, frame_with, split,
    walk_all,
};
use payload::{DIFFERENT, Payload};
use std::hint::black_box;

/// Returns each message as the hub gets it.
fn encoded(payload: &Payload) -> Vec<Vec<u8>> {
    payload.messages().iter().map(payload::Message::encoded).collect()
}

/// Returns messages, each of which is an array of `count` values.
fn arrays(count: u32, mut value: impl FnMut(&mut Packer<'_>, &mut Rng)) -> Vec<Vec<u8>> {
    let mut random = Rng::with_seed(7);
    let message = |_| {
        let mut out = Vec::new();
        let mut pack = Packer(&mut out);
        pack.array(count);
        (0..count).for_each(|_| value(&mut pack, &mut random));
        out
    };
    (0..DIFFERENT).map(message).collect()
}

/// Returns words of `words` in random order, which together have `bytes` bytes or a few more.
fn text(random: &mut Rng, words: &[&str], bytes: usize) -> String {
    let mut text = String::new();
    while text.len() < bytes {
        text.push_str(words[random.usize(..words.len())]);
    }
    text
}

/// Returns exactly `len` lower-case letters.
fn letters(random: &mut Rng, len: usize) -> String {
    (0..len).map(|_| random.lowercase()).collect()
}

const PLAIN: &[&str] = &["plain ", "text ", "of ", "a few ", "words, ", "again and again; "];
const LATIN: &[&str] = &["Zürich, ", "Hardturmstraße; ", "Genève, ", "rue du Rhône. ", "Oslo, "];
const WIDE: &[&str] = &["東京都", "渋谷区", "神宮前、", "大阪市", "北区", "梅田。"];

/// Measures how fast the walker checks every byte of a payload, in bytes a second.
fn walker(c: &mut Criterion) {
    let words = |words: &'static [&str]| {
        arrays(1, move |pack, random| _ = pack.str(&text(random, words, 1024)))
    };
    let strings =
        |count, len| arrays(count, move |pack, random| _ = pack.str(&letters(random, len)));
    let payloads: [(&str, Vec<Vec<u8>>); 11] = [
        ("dense map of 300 B", encoded(&Payload::dense(300))),
        ("dense map of 3 KB", encoded(&Payload::dense(3200))),
        ("1000 fixints", arrays(1000, |pack, random| _ = pack.uint(random.u64(..128)))),
        (
            "1000 ints of 32 bits",
            arrays(1000, |pack, random| _ = pack.uint(random.u64(1 << 16..1 << 32))),
        ),
        ("200 strings of 4", strings(200, 4)),
        ("100 strings of 24", strings(100, 24)),
        ("1 KB of ASCII", words(PLAIN)),
        ("1 KB of mostly ASCII", words(LATIN)),
        ("1 KB of Japanese", words(WIDE)),
        ("1 KB of bytes", encoded(&Payload::bin(1024))),
        ("1 KB map", encoded(&Payload::map(1024))),
    ];
    let limits = Limits::default();
    let mut group = c.benchmark_group("walk");
    for (name, messages) in payloads {
        messages.iter().for_each(|message| walk_all(message, &limits).unwrap());
        group.throughput(Throughput::Bytes(messages.iter().map(Vec::len).sum::<usize>() as u64));
        group.bench_function(BenchmarkId::from_parameter(name), |bench| {
            bench.iter(|| {
                for message in black_box(&messages) {
                    black_box(walk_all(message, &limits)).unwrap();
                }
            });
        });
    }
    group.finish();
}

/// Measures how fast the frames of one read are split off and read, in frames a second.
fn frames(c: &mut Criterion) {
    const FRAMES: u64 = DIFFERENT as u64;
    let limits = Limits::default();
    let topic = "orders.placed";
    let bin = encoded(&Payload::bin(128));
    let map = encoded(&Payload::map(1024));
    let event = |payloads: &[Vec<u8>], has_headers: bool| {
        let (mut bytes, mut random) = (Vec::new(), Rng::with_seed(8));
        for payload in payloads {
            let (mut headers, len) = (Vec::new(), random.usize(3..16));
            let mut pack = Packer(&mut headers);
            pack.map(2).str("key").str(&random.u32(..).to_string());
            pack.str("type").str(&letters(&mut random, len));
            let headers = has_headers.then_some(&headers[..]);
            EventFrame { topic, payload, headers }.write(&mut bytes);
        }
        bytes
    };
    let mut random = Rng::with_seed(9);
    let (mut runs, mut pings) = (Vec::new(), Vec::new());
    for _ in 0..FRAMES {
        let run = RunFrame {
            topic,
            epoch: 7,
            first: random.u64(..),
            count: random.u32(1..1000),
            publisher: &format!("orders#{}", random.u16(..)),
            time_ms: 1_763_900_000_000 + random.u64(..1_000_000),
            subscriptions: SubscriptionIds::one(1),
            attempt: 1,
        };
        Frame::Run(run).write(&mut runs);
        let token = random.u64(..) >> random.u32(..64);
        frame_with(&mut pings, |out| _ = Packer(out).array(2).uint(11).uint(token));
    }
    let mut group = c.benchmark_group("frames");
    group.throughput(Throughput::Elements(FRAMES));
    for (name, bytes) in [
        ("EVENT of 128 B", event(&bin, false)),
        ("EVENT of 128 B with headers", event(&bin, true)),
        ("EVENT with a map of 1 KB", event(&map, false)),
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
    // A session does this for an event on the topic of the event before.
    let bytes = event(&bin, false);
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
