//! Holds the metrics that the hub counts as it works. No label has more values when there are more
//! clients. Otherwise clients could make the metrics grow without a bound.

use super::collector::HubCollector;
use super::process::ProcessCollector;
use super::series::{by_label, counter, gauge};
use crate::limits::Limit;
use crate::policy::key_fetches::JwksMetrics;
use crate::policy::tls::metrics::TlsMetrics;
use crate::reload::stale_files::StaleFiles;
use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts};

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
    pub stale_files: StaleFiles,
    pub tls: TlsMetrics,
    pub jwks: JwksMetrics,
    limits: IntCounterVec,
    hub: HubCollector,
}

impl Metrics {
    #[allow(clippy::expect_used, reason = "constant, valid names")]
    pub(crate) fn new(jwks: JwksMetrics, hub: HubCollector) -> Self {
        let limits =
            by_label("hub_limited_total", "Times that a limit was met, by limit.", "limit");
        // All counters exist from the start, so that a rate shows the first event too.
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
            stale_files: StaleFiles::new(),
            tls: TlsMetrics::new(),
            jwks,
            hub,
        }
    }

    /// Counts that a limit was met.
    pub(crate) fn limited(&self, limit: Limit) {
        self.limits.with_label_values(&[limit.name()]).inc();
    }

    /// Registers all metrics.
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
        self.stale_files.register(with)?;
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
