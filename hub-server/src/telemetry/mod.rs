//! What operators see of a hub besides its log. Without it, a hub could only be judged from outside.
//!
//! - [`metrics`]: counters that the hub counts as it works
//! - [`collector`]: metrics that are read from the hub when it is scraped
//! - `process`: metrics of the process itself, read when it is scraped
//! - [`audit`]: compares what was due to subscribers with what became of it

pub(crate) mod audit;
pub(crate) mod collector;
pub(crate) mod metrics;
mod process;
mod series;
