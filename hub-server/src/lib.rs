//! The hub itself: it listens, checks and routes events, and stops without losing any.
//!
//! - [`config`]: what can be set, read from file, environment and flags
//! - [`serve`](mod@serve): running a hub, in this thread or in one of its own
//! - `session`: one actor a connection
//! - [`http`]: health and metrics

pub mod access;
pub mod config;
pub mod http;
mod hub;
mod instances;
mod listener;
mod metrics;
mod reload;
mod rules;
mod samples;
pub mod serve;
mod session;

pub use config::Config;
pub use reload::AccessFileError;
pub use rules::RulesError;
pub use serve::{RunningHub, ServeError, run_until_signal};
