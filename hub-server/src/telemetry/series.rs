//! Creates counters and gauges whose names are constants. Without this module, each of them would need
//! its own `expect`.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts};

// Names and labels are constants, and a test gathers all metrics, so `expect` cannot fail.
#[allow(clippy::expect_used, reason = "constant, valid names")]
pub(super) fn counter(name: &str, help: &str) -> IntCounter {
    IntCounter::new(name, help).expect("a constant, valid name")
}

#[allow(clippy::expect_used, reason = "constant, valid names")]
pub(super) fn gauge(name: &str, help: &str) -> IntGauge {
    IntGauge::new(name, help).expect("a constant, valid name")
}

#[allow(clippy::expect_used, reason = "constant, valid names")]
pub(super) fn by_label(name: &str, help: &str, label: &str) -> IntCounterVec {
    IntCounterVec::new(Opts::new(name, help), &[label]).expect("a constant, valid name")
}
