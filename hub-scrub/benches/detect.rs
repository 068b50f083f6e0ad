//! Twelve detectors over 1,000 messages of about 600 bytes.
//!
//! `cargo bench -p hub-scrub --bench detect`

#![allow(missing_docs, reason = "criterion's macros make public functions")]

#[allow(dead_code, reason = "each bench uses a part of it")]
mod messages;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hub_scrub::detect::{BuiltIn, DetectorSet, DetectorSpec, Scratch};
use std::hint::black_box;

const TWELVE: [BuiltIn; 12] = [
    BuiltIn::Card,
    BuiltIn::Iban,
    BuiltIn::Email,
    BuiltIn::Phone,
    BuiltIn::Ipv4,
    BuiltIn::Ipv6,
    BuiltIn::UsSsn,
    BuiltIn::Jwt,
    BuiltIn::AwsKey,
    BuiltIn::GithubToken,
    BuiltIn::StripeKey,
    BuiltIn::PemPrivateKey,
];

fn detect(c: &mut Criterion) {
    let set = DetectorSet::new(&TWELVE.map(DetectorSpec::built_in)).expect("built-ins");
    let all: Vec<_> = BuiltIn::ALL.iter().map(|kind| DetectorSpec::built_in(*kind)).collect();
    let all = DetectorSet::new(&all).expect("built-ins");
    for (name, every) in [("clean", 0), ("one in ten", 10), ("every", 1)] {
        let messages = messages::messages(1000, every, 7);
        let whole: Vec<String> = messages.iter().map(messages::as_json).collect();
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Bytes(whole.iter().map(|text| text.len() as u64).sum()));
        let mut scratch = Scratch::default();
        let mut hits = Vec::new();
        for (set, of) in [(&set, "twelve"), (&all, "all")] {
            group.bench_function(format!("{of}, one text a message"), |b| {
                b.iter(|| {
                    for text in &whole {
                        hits.clear();
                        set.scan(black_box(text), &mut scratch, &mut hits);
                        black_box(&hits);
                    }
                });
            });
            group.bench_function(format!("{of}, value by value"), |b| {
                b.iter(|| {
                    for (key, text) in messages.iter().flatten() {
                        hits.clear();
                        set.scan_under(key, black_box(text), &mut scratch, &mut hits);
                        black_box(&hits);
                    }
                });
            });
        }
    }
}

criterion_group!(benches, detect);
criterion_main!(benches);
