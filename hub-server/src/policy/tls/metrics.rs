//! Holds the metrics of TLS. Without them, an operator would learn of an expired certificate from its
//! users.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts};

#[derive(Debug, Clone)]
pub(crate) struct TlsMetrics {
    pub handshakes: IntCounter,
    pub failed: IntCounterVec,
    pub reloads: IntCounterVec,
    /// Shows when the certificate expires, in seconds since the Unix epoch. It is 0 without TLS.
    pub certificate_expiry: IntGauge,
    /// Shows when the revocation lists expire, in seconds since the Unix epoch. It is 0 without
    /// them.
    pub crl_expiry: IntGauge,
}

impl TlsMetrics {
    #[allow(clippy::expect_used, reason = "constant, valid names")]
    pub(crate) fn new() -> Self {
        let failed =
            Opts::new("hub_tls_handshakes_failed_total", "TLS handshakes that failed, by reason.");
        let reloads = Opts::new(
            "hub_tls_reloads_total",
            "Files of TLS that were applied or refused after a change.",
        );
        let gauge = |name, help| IntGauge::new(name, help).expect("a constant, valid name");
        TlsMetrics {
            handshakes: IntCounter::new("hub_tls_handshakes_total", "TLS handshakes completed.")
                .expect("a constant, valid name"),
            failed: IntCounterVec::new(failed, &["reason"]).expect("a constant, valid name"),
            reloads: IntCounterVec::new(reloads, &["outcome"]).expect("a constant, valid name"),
            certificate_expiry: gauge(
                "hub_tls_certificate_expiry_timestamp_seconds",
                "When the certificate in force expires, or one that it is shown with. 0 without TLS.",
            ),
            crl_expiry: gauge(
                "hub_tls_crl_next_update_timestamp_seconds",
                "When the revocation lists in force are too old to be used. 0 without.",
            ),
        }
    }

    pub(crate) fn register(&self, with: &prometheus::Registry) -> Result<(), prometheus::Error> {
        with.register(Box::new(self.handshakes.clone()))?;
        with.register(Box::new(self.failed.clone()))?;
        with.register(Box::new(self.reloads.clone()))?;
        with.register(Box::new(self.certificate_expiry.clone()))?;
        with.register(Box::new(self.crl_expiry.clone()))
    }
}
