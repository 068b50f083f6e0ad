//! One clock for all threads: nanoseconds since the first call. With two clocks, a latency would be
//! off by their difference.

use std::sync::OnceLock;
use std::time::Instant;

static START: OnceLock<Instant> = OnceLock::new();

/// Returns the nanoseconds since the first call. A `u64` holds 584 years of them.
#[must_use]
pub(crate) fn now_ns() -> u64 {
    let start = START.get_or_init(Instant::now);
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
