//! The hub itself: it listens, checks and routes events, and stops without losing any.
//!
//! - [`config`]: what can be set, read from file, environment and flags
//! - [`serve`](mod@serve): running a hub, in this thread or in one of its own
//! - `session`: one actor a connection
//! - `tls`: certificates, handshakes, records
//! - [`access`]: who gets in, and what each may do
//! - `limits`: rates, counts, and the memory budget
//! - [`http`]: health, metrics and the admin API

pub mod access;
mod admin;
mod audit;
pub mod config;
mod hashing;
pub mod http;
mod hub;
mod instances;
mod jwks;
mod limits;
mod listener;
mod metrics;
mod reload;
mod rules;
mod samples;
pub mod serve;
mod session;
mod supervise;
mod text;
mod tls;

pub use config::Config;
pub use reload::AccessFileError;
pub use rules::RulesError;
pub use serve::{RunningHub, ServeError, run_until_signal};
pub use tls::{ALPN, TlsError, TlsFileFault};
