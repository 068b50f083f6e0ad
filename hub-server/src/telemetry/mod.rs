//! Shows operators what a hub does, besides its log. Without this module, a hub could only be judged
//! from outside.
//!
//! - [`metrics`] holds counters that the hub counts as it works.
//! - [`collector`] reads metrics from the hub when it is scraped.
//! - `process` reads metrics of the process itself when it is scraped.
//! - [`busy_threads`] reads for how long a thread has worked for one client.
//! - [`audit`] compares what was due to subscribers with what became of it.

pub(crate) mod audit;
mod audit_body;
mod audit_line;
pub(crate) mod busy_threads;
pub(crate) mod collector;
pub(crate) mod metrics;
mod process;
mod series;
