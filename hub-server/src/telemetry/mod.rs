//! What operators see of a hub, apart from its log.
//!
//! - [`metrics`]: counters that sessions and others count up
//! - [`collector`]: metrics that are read from the hub when it is scraped
//! - `process`: metrics of the process itself, read when it is scraped
//! - [`audit`]: whether what was due to subscribers adds up

pub(crate) mod audit;
pub(crate) mod collector;
pub(crate) mod metrics;
mod process;
mod series;
