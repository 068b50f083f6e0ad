//! Runs the whole shop. This module starts the hub and the services, shows what they print, and compares
//! their counts.
//!
//! Without it, a user would have to start seven processes by hand, and nothing would check that every
//! event that was emitted has been received.

mod children;
mod ledger;
mod run;
mod sums;

pub use run::{Arguments, run};
