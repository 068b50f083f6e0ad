//! What Prometheus sees. No label grows with clients or topics.

use hub_core::topic::Registry;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts};
use std::sync::Arc;

#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    pub events: IntCounter,
    pub received_bytes: IntCounter,
    pub refused: IntCounterVec,
    pub connections: IntGauge,
    pub connections_total: IntCounter,
    pub closed: IntCounterVec,
    hub: HubCollector,
}

impl Metrics {
    pub(crate) fn new(registry: Arc<Registry>) -> Self {
        Metrics {
            events: counter("hub_events_total", "Events received from publishers."),
            received_bytes: counter("hub_received_bytes_total", "Bytes read from clients."),
            refused: vec("hub_refused_total", "Frames refused, by code.", "code"),
            connections: gauge("hub_connections", "Clients connected now."),
            connections_total: counter("hub_connections_total", "Connections accepted."),
            closed: vec(
                "hub_connections_closed_total",
                "Connections the hub closed, by code.",
                "code",
            ),
            hub: HubCollector::new(registry),
        }
    }

    /// Registers everything.
    pub(crate) fn register(&self, with: &prometheus::Registry) -> Result<(), prometheus::Error> {
        with.register(Box::new(self.events.clone()))?;
        with.register(Box::new(self.received_bytes.clone()))?;
        with.register(Box::new(self.refused.clone()))?;
        with.register(Box::new(self.connections.clone()))?;
        with.register(Box::new(self.connections_total.clone()))?;
        with.register(Box::new(self.closed.clone()))?;
        with.register(Box::new(self.hub.clone()))?;
        let process = prometheus::process_collector::ProcessCollector::for_self();
        with.register(Box::new(process))
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
fn vec(name: &str, help: &str, label: &str) -> IntCounterVec {
    IntCounterVec::new(Opts::new(name, help), &[label]).expect("a constant, valid name")
}

/// Reads the ledger and the registry when somebody scrapes, so that they cost nothing before.
#[derive(Debug, Clone)]
struct HubCollector {
    registry: Arc<Registry>,
    due: IntCounter,
    delivered: IntCounter,
    gaps: IntCounter,
    gap_events: IntCounter,
    dropped: IntCounterVec,
    pending: IntGauge,
    topics: IntGauge,
    subscriptions: IntGauge,
    history: IntGauge,
}

impl HubCollector {
    fn new(registry: Arc<Registry>) -> Self {
        HubCollector {
            registry,
            due: counter(
                "hub_deliveries_due_total",
                "Deliveries that were due: each event times each copy.",
            ),
            delivered: counter("hub_deliveries_total", "Events handed to a subscriber's socket."),
            gaps: counter("hub_gaps_total", "GAP frames sent."),
            gap_events: counter("hub_gap_events_total", "Events that a GAP announced as dropped."),
            dropped: vec(
                "hub_deliveries_dropped_total",
                "Deliveries dropped, by reason.",
                "reason",
            ),
            pending: gauge("hub_deliveries_pending", "Deliveries that wait in queues."),
            topics: gauge("hub_topics", "Topics."),
            subscriptions: gauge("hub_subscriptions", "Subscriptions."),
            history: gauge("hub_history_bytes", "Bytes of history that topics keep."),
        }
    }
}

impl Collector for HubCollector {
    fn desc(&self) -> Vec<&Desc> {
        let parts: [&dyn Collector; 9] = [
            &self.due,
            &self.delivered,
            &self.gaps,
            &self.gap_events,
            &self.dropped,
            &self.pending,
            &self.topics,
            &self.subscriptions,
            &self.history,
        ];
        parts.into_iter().flat_map(Collector::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let counts = self.registry.ledger().counts();
        let set = |counter: &IntCounter, value: u64| {
            counter.reset();
            counter.inc_by(value);
        };
        set(&self.due, counts.due);
        set(&self.delivered, counts.delivered);
        set(&self.gaps, counts.gaps);
        set(&self.gap_events, counts.overflow + counts.conflated);
        set(&self.dropped.with_label_values(&["overflow"]), counts.overflow);
        set(&self.dropped.with_label_values(&["conflated"]), counts.conflated);
        set(&self.dropped.with_label_values(&["disconnected"]), counts.disconnected);
        let show =
            |gauge: &IntGauge, value: u64| gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        show(&self.pending, counts.pending());
        show(&self.topics, self.registry.topics() as u64);
        show(&self.subscriptions, self.registry.subscriptions() as u64);
        show(&self.history, self.registry.history().used() as u64);
        let parts: [&dyn Collector; 9] = [
            &self.due,
            &self.delivered,
            &self.gaps,
            &self.gap_events,
            &self.dropped,
            &self.pending,
            &self.topics,
            &self.subscriptions,
            &self.history,
        ];
        parts.into_iter().flat_map(Collector::collect).collect()
    }
}
