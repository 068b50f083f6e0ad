//! What Prometheus sees. No label grows with clients, and those of topics are bounded.

use crate::jwks::JwksMetrics;
use crate::limits::Limit;
use crate::limits::memory::Memory;
use crate::rules::{Rules, RulesInForce};
use crate::tls::TlsMetrics;
use hub_core::topic::{LedgerCounts, Registry};
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts};
use std::sync::Arc;

mod process;

use process::ProcessCollector;

#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    pub events: IntCounter,
    pub received_bytes: IntCounter,
    pub sent_bytes: IntCounter,
    pub refused: IntCounterVec,
    pub scrub_hits: IntCounterVec,
    pub shadow_hits: IntCounterVec,
    pub rules: IntGauge,
    pub scrub_reloads: IntCounterVec,
    pub access_reloads: IntCounterVec,
    pub config_reloads: IntCounterVec,
    pub connections: IntGauge,
    pub connections_total: IntCounter,
    pub closed: IntCounterVec,
    pub tls: TlsMetrics,
    pub jwks: JwksMetrics,
    limits: IntCounterVec,
    hub: HubCollector,
}

impl Metrics {
    #[allow(clippy::expect_used, reason = "constant, valid names")]
    pub(crate) fn new(
        registry: Arc<Registry>,
        topics: usize,
        memory: Arc<Memory>,
        rules: Arc<RulesInForce>,
    ) -> Self {
        let limits =
            by_label("hub_limited_total", "Times that a limit was met, by limit.", "limit");
        // All of them from the start, so that a rate can be taken of the first time.
        for limit in Limit::ALL {
            limits.with_label_values(&[limit.name()]);
        }
        Metrics {
            limits,
            events: counter("hub_events_total", "Events received from publishers."),
            received_bytes: counter("hub_received_bytes_total", "Bytes read from clients."),
            sent_bytes: counter("hub_sent_bytes_total", "Bytes written to clients."),
            refused: by_label("hub_refused_total", "Frames refused, by code.", "code"),
            scrub_hits: IntCounterVec::new(
                Opts::new("hub_scrub_hits_total", "What rules found and acted on."),
                &["rule", "action"],
            )
            .expect("a constant, valid name"),
            shadow_hits: by_label(
                "hub_scrub_shadow_hits_total",
                "What rules found that only count.",
                "rule",
            ),
            rules: gauge("hub_scrub_rules", "Rules in force."),
            scrub_reloads: by_label(
                "hub_scrub_reloads_total",
                "Rule files that were applied or refused.",
                "outcome",
            ),
            access_reloads: by_label(
                "hub_access_reloads_total",
                "Access files that were applied or refused.",
                "outcome",
            ),
            config_reloads: by_label(
                "hub_config_reloads_total",
                "Configuration files that were applied or refused.",
                "outcome",
            ),
            connections: gauge("hub_connections", "Clients connected now."),
            connections_total: counter("hub_connections_total", "Connections accepted."),
            closed: by_label(
                "hub_connections_closed_total",
                "Connections the hub closed, by code.",
                "code",
            ),
            tls: TlsMetrics::new(),
            jwks: JwksMetrics::new(),
            hub: HubCollector::new(registry, topics, memory, rules),
        }
    }

    /// Counts that a limit was met.
    pub(crate) fn limited(&self, limit: Limit) {
        self.limits.with_label_values(&[limit.name()]).inc();
    }

    /// Registers everything.
    pub(crate) fn register(&self, with: &prometheus::Registry) -> Result<(), prometheus::Error> {
        with.register(Box::new(self.events.clone()))?;
        with.register(Box::new(self.received_bytes.clone()))?;
        with.register(Box::new(self.sent_bytes.clone()))?;
        with.register(Box::new(self.refused.clone()))?;
        with.register(Box::new(self.scrub_hits.clone()))?;
        with.register(Box::new(self.shadow_hits.clone()))?;
        with.register(Box::new(self.rules.clone()))?;
        with.register(Box::new(self.scrub_reloads.clone()))?;
        with.register(Box::new(self.access_reloads.clone()))?;
        with.register(Box::new(self.config_reloads.clone()))?;
        with.register(Box::new(self.connections.clone()))?;
        with.register(Box::new(self.connections_total.clone()))?;
        with.register(Box::new(self.closed.clone()))?;
        with.register(Box::new(self.limits.clone()))?;
        with.register(Box::new(self.hub.clone()))?;
        self.tls.register(with)?;
        self.jwks.register(with)?;
        let build = IntGauge::with_opts(
            Opts::new("hub_build_info", "Always 1; its label says which version runs.")
                .const_label("version", env!("CARGO_PKG_VERSION")),
        )?;
        build.set(1);
        with.register(Box::new(build))?;
        with.register(Box::new(ProcessCollector::new()))
    }
}

// Names and labels are constants that a test gathers, so making them cannot fail.
#[allow(clippy::expect_used, reason = "constant, valid names")]
fn counter(name: &str, help: &str) -> IntCounter {
    IntCounter::new(name, help).expect("a constant, valid name")
}

#[allow(clippy::expect_used, reason = "constant, valid names")]
fn gauge(name: &str, help: &str) -> IntGauge {
    IntGauge::new(name, help).expect("a constant, valid name")
}

#[allow(clippy::expect_used, reason = "constant, valid names")]
fn by_label(name: &str, help: &str, label: &str) -> IntCounterVec {
    IntCounterVec::new(Opts::new(name, help), &[label]).expect("a constant, valid name")
}

/// Reads the ledger and the registry when somebody scrapes, so that they cost nothing before.
#[derive(Debug, Clone)]
struct HubCollector {
    registry: Arc<Registry>,
    /// How many topics have metrics of their own.
    topics: usize,
    memory: Arc<Memory>,
    rules: Arc<RulesInForce>,
    /// What it will collect, with the values of the start.
    described: Vec<Desc>,
}

impl HubCollector {
    fn new(
        registry: Arc<Registry>,
        topics: usize,
        memory: Arc<Memory>,
        rules: Arc<RulesInForce>,
    ) -> Self {
        let metrics = now(&registry, &rules.current(), topics, &memory);
        let described =
            metrics.iter().flat_map(|metric| metric.desc().into_iter().cloned()).collect();
        HubCollector { registry, topics, memory, rules, described }
    }
}

impl Collector for HubCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.described.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let metrics = now(&self.registry, &self.rules.current(), self.topics, &self.memory);
        metrics.iter().flat_map(|metric| metric.collect()).collect()
    }
}

/// The registry's figures, in metrics of their own: two who scrape at once do not disturb each
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

/// The ledgers of the topics with the most deliveries. Inboxes have none: who knows an inbox's name
/// can answer there. A name in which a rule finds something is `*`.
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
    for (topic, counts) in registry.busiest(most, |name| !name.starts_with("$inbox.")) {
        let topic = rules.shown(topic.name());
        due.with_label_values(&[topic]).inc_by(counts.due);
        delivered.with_label_values(&[topic]).inc_by(counts.delivered);
        let waiting = i64::try_from(counts.pending()).unwrap_or(i64::MAX);
        // Several topics may be shown under one name.
        pending.with_label_values(&[topic]).add(waiting);
        for (reason, events) in reasons(&counts) {
            dropped.with_label_values(&[topic, reason]).inc_by(events);
        }
    }
    vec![Box::new(due), Box::new(delivered), Box::new(pending), Box::new(dropped)]
}

/// Why deliveries were dropped, and how many.
fn reasons(counts: &LedgerCounts) -> [(&'static str, u64); 3] {
    [
        ("overflow", counts.overflow),
        ("conflated", counts.conflated),
        ("disconnected", counts.disconnected),
    ]
}
