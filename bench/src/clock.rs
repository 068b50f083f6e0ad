//! Nanoseconds since the first call. Senders and receivers are threads of one process and read this
//! one clock; with two clocks a latency would be off by their difference.

use std::sync::OnceLock;
use std::time::Instant;

static START: OnceLock<Instant> = OnceLock::new();

/// Nanoseconds now. 584 years fit.
#[must_use]
pub(crate) fn now_ns() -> u64 {
    let start = START.get_or_init(Instant::now);
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
