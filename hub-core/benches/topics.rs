//! Benchmarks of topics: a look-up by name, a search for matching filters, and the delivery of a run to its
//! subscribers. Run them with `cargo bench -p hub-core --features actors --bench topics`.
#![allow(missing_docs, reason = "criterion's macros make public functions")]
#![allow(clippy::unwrap_used, reason = "what fails here fails the benchmark")]

#[allow(dead_code, reason = "each bench uses a part of it")]
#[path = "../../hub-scrub/benches/messages/mod.rs"]
mod messages;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hub_core::topic::{
    DeliveryQueue, FlushList, PendingRun, PublishResult, Registry, RunSource, SubscriberConnection,
    SubscriptionEntry, TopicSettings,
};
use hub_wire::{EventFrame, FilterIndex, Overflow, Packer, Start, TopicFilter, TopicName};
use std::hint::black_box;
use std::io::IoSlice;
use std::sync::Arc;
use std::time::Duration;

/// A benchmark uses this many different topics or messages.
const DIFFERENT: usize = 512;

fn registry() -> Arc<Registry> {
    let settings = TopicSettings {
        max_topics: 2_000_000,
        idle: Duration::from_secs(600),
        history_per_topic: 1 << 20,
        history_in_all: 16 << 20,
        first_epoch: 1,
        group_linger: Duration::from_secs(60),
    };
    // Without arbiters, topics have no actors, and the benchmark measures the data plane alone.
    Registry::new(settings, Vec::new())
}

fn name(text: &str) -> TopicName {
    TopicName::parse(text).unwrap()
}

/// Measures a look-up by name among up to a million topics.
fn look_up(c: &mut Criterion) {
    let mut group = c.benchmark_group("topic by name");
    for count in [1_000_u64, 1_000_000] {
        let registry = registry();
        let names: Vec<String> =
            (0..count).map(|n| format!("orders.{}.{}.placed", n % 1000, n / 1000)).collect();
        for text in &names {
            registry.get_or_create(&name(text)).unwrap();
        }
        let mut next = 0;
        group.bench_function(BenchmarkId::new("of", count), |bench| {
            bench.iter(|| {
                next = (next + 7919) % names.len();
                registry.get(black_box(&names[next])).unwrap()
            });
        });
    }
    group.finish();
}

/// Measures the search for the filters, among 100,000, that match a topic. The benchmark takes 512
/// different topics in turn, so that the processor does not learn the way through the index.
fn filters(c: &mut Criterion) {
    const FILTERS: usize = 100_000;
    let mut index = FilterIndex::default();
    for n in 0..FILTERS {
        let (a, b) = (n % 500, n / 500);
        let text = match n % 10 {
            0 => format!("shop{a}.*.item{b}"),
            1 => format!("shop{a}.region{b}.**"),
            2 => format!("*.region{b}.item{a}"),
            _ => format!("shop{a}.region{b}.item{n}"),
        };
        index.insert(&TopicFilter::parse(&text).unwrap(), n);
    }
    let mut group = c.benchmark_group("filters of 100000");
    // The n-th literal filter, and the topics that it and the wildcards match.
    let literal = |n: usize| {
        let n = n * 10 + 7;
        format!("shop{}.region{}.item{n}", n % 500, n / 500)
    };
    let wild = |n: usize| format!("shop{}.region{}.item{}", n % 50 * 10 + 1, n / 50 + 20, n % 7);
    let none = |n: usize| format!("warehouse.{n}.stock");
    let topics = |text: &dyn Fn(usize) -> String| -> Vec<TopicName> {
        (0..DIFFERENT).map(|n| name(&text(n))).collect()
    };
    for (what, topics) in [
        ("literal and wildcards match", topics(&literal)),
        ("wildcards match", topics(&wild)),
        ("none matches", topics(&none)),
    ] {
        for topic in &topics {
            let mut found = 0;
            index.matching(topic, |_| found += 1);
            assert_eq!(found == 0, what.starts_with("none"), "{what}: {found}");
        }
        let mut topics = topics.iter().cycle();
        group.bench_function(BenchmarkId::from_parameter(what), |bench| {
            bench.iter(|| {
                let mut found = 0;
                if let Some(topic) = topics.next() {
                    index.matching(black_box(topic), |_| found += 1);
                }
                found
            });
        });
    }
    group.finish();
}

/// A connection whose socket takes everything.
#[derive(Debug)]
struct Sink {
    number: u64,
    queue: DeliveryQueue,
}

impl SubscriberConnection for Sink {
    fn role(&self) -> Arc<str> {
        Arc::default()
    }

    fn number(&self) -> u64 {
        self.number
    }

    fn queue(&self) -> &DeliveryQueue {
        &self.queue
    }

    fn flush(&self) {
        let take = |slices: &[IoSlice<'_>]| Ok(slices.iter().map(|slice| slice.len()).sum());
        self.queue.write_with(take).unwrap();
    }

    fn close_slow_consumer(&self) {}
}

/// Measures how a run of 512 different events of 128 B is numbered and appended to the queues of its
/// subscribers, and how the queues are emptied, without a socket.
fn fan_out(c: &mut Criterion) {
    const EVENTS: u32 = DIFFERENT as u32;
    let mut frames = Vec::new();
    for content in messages::random_bytes(DIFFERENT, 128, 7) {
        let mut payload = Vec::new();
        Packer(&mut payload).bin(&content);
        EventFrame { topic: "orders", payload: &payload, headers: None }.write(&mut frames);
    }
    let mut group = c.benchmark_group("fan-out of a run");
    for subscribers in [1_u64, 10, 100, 1000] {
        let registry = registry();
        for number in 0..subscribers {
            let queue = DeliveryQueue::new(4 << 20, registry.ledger().clone());
            let entry = Arc::new(SubscriptionEntry {
                id: 1,
                filter: TopicFilter::parse("orders").unwrap(),
                group: None,
                overflow: Overflow::Block,
                start: Start::Live,
                positions: false,
                flow: None,
                replays: Default::default(),
                ack: None,
                observe: false,
                connection: Arc::new(Sink { number, queue }),
                charge: None,
                guard: None,
            });
            // A topic adopts the subscriptions that exist when it is created, so they come first.
            let _ = registry.subscribe(&entry);
        }
        let topic = registry.get_or_create(&name("orders")).unwrap();
        assert_eq!(topic.deliveries() as u64, subscribers);
        let source = RunSource::new("orders", topic.epoch(), "bench#1", None);
        group.throughput(Throughput::Elements(subscribers));
        group.bench_function(BenchmarkId::from_parameter(subscribers), |bench| {
            let run = || {
                let mut run = PendingRun::new(source.clone(), frames.len());
                run.push(&frames, EVENTS);
                run
            };
            bench.iter_batched(
                run,
                |mut run| {
                    let mut to_flush = FlushList::new();
                    let published = topic.publish(&mut run, 1, &mut to_flush);
                    assert!(matches!(published, PublishResult::Done));
                    to_flush.flush();
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, look_up, filters, fan_out);
criterion_main!(benches);
