//! Reads the metrics of ledgers, topics and memory from the hub when it is scraped. Between scrapes
//! these metrics cost nothing. The number of topics with metrics of their own is bounded.

use super::series::{by_label, counter, gauge};
use crate::directory::Directory;
use crate::limits::ClientLimits;
use crate::limits::memory::Memory;
use crate::policy::Policy;
use crate::policy::rules::Rules;
use hub_core::topic::{LedgerCounts, Registry};
use hub_wire::TopicName;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounterVec, IntGaugeVec, Opts};
use std::sync::Arc;

/// Reads the ledger, the registry and the memory when the metrics are scraped.
#[derive(Debug, Clone)]
pub(crate) struct HubCollector {
    directory: Arc<Directory>,
    policy: Arc<Policy>,
    limits: Arc<ClientLimits>,
    /// At most this many topics have metrics of their own.
    topics: usize,
    /// The descriptions of the metrics are made once and kept here.
    described: Vec<Desc>,
}

impl HubCollector {
    pub(crate) fn new(
        directory: Arc<Directory>,
        policy: Arc<Policy>,
        limits: Arc<ClientLimits>,
        topics: usize,
    ) -> Self {
        let metrics = now(&directory.registry, &policy.rules.current(), topics, &limits.memory);
        let described =
            metrics.iter().flat_map(|metric| metric.desc().into_iter().cloned()).collect();
        HubCollector { directory, policy, limits, topics, described }
    }
}

impl Collector for HubCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.described.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let metrics = now(
            &self.directory.registry,
            &self.policy.rules.current(),
            self.topics,
            &self.limits.memory,
        );
        metrics.iter().flat_map(|metric| metric.collect()).collect()
    }
}

/// Returns the present figures in new metrics, so that two scrapes at a time do not disturb each
/// other.
fn now(
    registry: &Registry,
    rules: &Rules,
    topics: usize,
    memory: &Memory,
) -> Vec<Box<dyn Collector>> {
    let counts = registry.ledger().counts();
    let dropped =
        by_label("hub_deliveries_dropped_total", "Deliveries dropped, by reason.", "reason");
    for (reason, events) in reasons(&counts) {
        dropped.with_label_values(&[reason]).inc_by(events);
    }
    let total = |name, help, value| {
        let counter = counter(name, help);
        counter.inc_by(value);
        Box::new(counter) as Box<dyn Collector>
    };
    let level = |name, help, value: u64| {
        let gauge = gauge(name, help);
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        Box::new(gauge) as Box<dyn Collector>
    };
    let mut metrics = of_topics(registry, rules, topics);
    metrics.extend([
        total(
            "hub_deliveries_due_total",
            "Deliveries that were due: each event times each copy.",
            counts.due,
        ),
        total("hub_deliveries_total", "Events handed to a subscriber's socket.", counts.delivered),
        total("hub_gaps_total", "GAP frames sent.", counts.gaps),
        Box::new(dropped),
        level("hub_deliveries_pending", "Deliveries that wait in queues.", counts.pending()),
        level("hub_topics", "Topics.", registry.topics() as u64),
        level("hub_subscriptions", "Subscriptions.", registry.subscriptions() as u64),
        level(
            "hub_history_bytes",
            "Bytes of history that topics keep.",
            registry.history().used() as u64,
        ),
        level(
            "hub_memory_budget_bytes",
            "The memory budget; 0 if there is none.",
            memory.budget().unwrap_or(0) as u64,
        ),
        level("hub_memory_used_bytes", "What is used of the memory budget.", memory.used() as u64),
        level(
            "hub_memory_held_bytes",
            "What of that is counted as held for clients.",
            memory.held().get() as u64,
        ),
        level(
            "hub_memory_pressure",
            "0: enough memory, 1: publishers wait for it, 2: events are refused.",
            memory.level().into(),
        ),
        level(
            "hub_queue_limit_bytes",
            "What may wait for a connection now; less than `queue_bytes` while memory is short.",
            memory.queue_limit() as u64,
        ),
    ]);
    metrics
}

/// Returns the ledgers of the topics with the most deliveries. Inboxes are left out, because
/// anybody who knows the name of an inbox can answer there. A name in which a rule finds something
/// is shown as `*`.
#[allow(clippy::expect_used, reason = "constant, valid names")]
fn of_topics(registry: &Registry, rules: &Rules, most: usize) -> Vec<Box<dyn Collector>> {
    let due = by_label("hub_topic_due_total", "Deliveries that were due, by topic.", "topic");
    let delivered =
        by_label("hub_topic_deliveries_total", "Events handed to sockets, by topic.", "topic");
    let pending = IntGaugeVec::new(
        Opts::new("hub_topic_pending", "Deliveries that wait in queues, by topic."),
        &["topic"],
    )
    .expect("a constant, valid name");
    let dropped = IntCounterVec::new(
        Opts::new("hub_topic_dropped_total", "Deliveries dropped, by topic and reason."),
        &["topic", "reason"],
    )
    .expect("a constant, valid name");
    for (topic, counts) in registry.busiest(most, |name| !name.starts_with(TopicName::INBOX)) {
        let topic = rules.shown(topic.name());
        due.with_label_values(&[topic]).inc_by(counts.due);
        delivered.with_label_values(&[topic]).inc_by(counts.delivered);
        let waiting = i64::try_from(counts.pending()).unwrap_or(i64::MAX);
        // Several topics may be shown under one name, so their figures are added.
        pending.with_label_values(&[topic]).add(waiting);
        for (reason, events) in reasons(&counts) {
            dropped.with_label_values(&[topic, reason]).inc_by(events);
        }
    }
    vec![Box::new(due), Box::new(delivered), Box::new(pending), Box::new(dropped)]
}

/// Returns the reasons for which deliveries were dropped, with their counts.
fn reasons(counts: &LedgerCounts) -> [(&'static str, u64); 4] {
    [
        ("overflow", counts.overflow),
        ("conflated", counts.conflated),
        ("disconnected", counts.disconnected),
        ("given_up", counts.given_up),
    ]
}
