//! A plan over 1,000 messages of about 600 bytes: what a clean one costs, and one with a find.
//!
//! `cargo bench -p hub-scrub --bench scrub`

#![allow(missing_docs, reason = "criterion's macros make public functions")]

#[allow(dead_code, reason = "each bench uses a part of it")]
mod messages;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hub_scrub::{Plan, RuleSet, Scratch, SystemKeys};
use hub_wire::TopicName;
use std::hint::black_box;
use std::sync::Arc;

const STRUCTURE: &str = "[[rule]]
name = \"shape\"
structure = { max_depth = 8, max_keys = 100, max_string_bytes = 1000 }
tests = { hits = [[[[[[[[[[]]]]]]]]]], misses = [1] }";

const PATHS: &str = "[[rule]]
name = \"two\"
find = { paths = [\"customer.email\", \"items.*.card\"] }
action = \"mask\"
tests = { hits = [{ customer = { email = \"x\" } }], misses = [1] }";

const TWELVE: &str = "[[rule]]
name = \"twelve\"
action = \"mask\"
tests = { hits = [\"4111 1111 1111 1111\"], misses = [1] }
[rule.find]
detectors = [
    \"card\", \"iban\", \"email\", \"phone\", \"ipv4\", \"ipv6\", \"us_ssn\", \"jwt\", \"aws_key\",
    \"github_token\", \"stripe_key\", \"pem_private_key\",
]";

const PACKS: &str = "[[pack]]
name = \"pci\"
[[pack]]
name = \"pii\"
[[pack]]
name = \"secrets\"";

fn plan(rules: &str) -> Arc<Plan> {
    let rules = RuleSet::load(rules, "rules.toml", &SystemKeys).expect("rules");
    rules.plan(&TopicName::parse("orders.placed").expect("a topic"))
}

fn scrub(c: &mut Criterion) {
    let plans = [
        ("structure", STRUCTURE),
        ("two paths", PATHS),
        ("twelve detectors", TWELVE),
        ("three packs", PACKS),
    ]
    .map(|(name, rules)| (name, plan(rules)));
    for (group, every) in [("clean", 0), ("one in ten", 10), ("every", 1)] {
        let messages: Vec<Vec<u8>> =
            messages::messages(1000, every, 7).iter().map(messages::as_msgpack).collect();
        let mut group = c.benchmark_group(group);
        group.throughput(Throughput::Elements(messages.len() as u64));
        let mut scratch = Scratch::default();
        for (name, plan) in &plans {
            group.bench_function(*name, |b| {
                b.iter(|| {
                    for message in &messages {
                        black_box(plan.scrub(black_box(message), None, &mut scratch));
                    }
                });
            });
        }
    }
}

criterion_group!(benches, scrub);
criterion_main!(benches);
