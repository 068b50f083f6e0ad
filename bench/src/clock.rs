//! Gives all threads one clock. With two clocks, a latency would be wrong by the difference between
//! them.

use std::sync::OnceLock;
use std::time::Instant;

static START: OnceLock<Instant> = OnceLock::new();

/// Returns the nanoseconds since the first call in this process. A `u64` can hold 584 years.
#[must_use]
pub(crate) fn now_ns() -> u64 {
    let start = START.get_or_init(Instant::now);
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
