//! This crate is the hub server: it accepts clients, checks and routes their events, and stops
//! without losing an event.
//!
//! The list names the modules from the lowest to the highest. A module imports only modules above
//! it in the list, and no two files import one another. Otherwise no part could be read, tested or
//! changed by itself.
//!
//! - `bounded_read` reads files that may be of any size, or never answer.
//! - `text` reads text files, and its errors name the line.
//! - `supervise` starts tasks again after a panic or an error.
//! - `reload` follows files, and loads them when they change.
//! - [`config`] reads the configuration keys from the file, the environment and the flags.
//! - `limits` keeps rates, counts and the memory budget.
//! - `policy` decides which client may do what ([`access`]), and holds the rules of the scrub and
//!   the trusted CAs.
//! - `directory` knows the topics, sessions and instances that exist now.
//! - `telemetry` makes the metrics and the audit of deliveries.
//! - `net` accepts connections, with TLS or without, and reads and writes.
//! - `session` runs one actor for each connection.
//! - `hub` holds the handles to all modules above it, for the modules below it.
//! - `put_in_force` is the one place where a loaded file takes effect.
//! - [`http`] and `admin` serve health, metrics and the admin API.
//! - `serve_error` defines the errors with which a hub does not start.
//! - `startup_files` loads the files that a configuration names.
//! - `stop_signals` ends the process on SIGTERM and SIGINT.
//! - [`serve`](mod@serve) is the composition root, which builds a hub and runs it.
//! - `running_hub` runs a hub in a thread of its own.

mod admin;
mod bounded_read;
pub mod config;
mod directory;
pub mod http;
mod hub;
mod limits;
mod net;
mod policy;
mod put_in_force;
mod reload;
mod running_hub;
pub mod serve;
mod serve_error;
mod session;
mod startup_files;
mod stop_signals;
mod supervise;
mod telemetry;
mod text;

pub use bounded_read::{read_for_hub, read_remote_files_with};
pub use config::Config;
pub use policy::access;
pub use policy::access_file::AccessFileError;
pub use policy::rule_file::{BoundedKeys, RulesError, read_rule_file};
pub use policy::tls::alpn::ALPN;
pub use policy::tls::files::{TlsError, TlsFileFault};
pub use running_hub::RunningHub;
pub use serve::{ServeError, run_until_signal};
pub use startup_files::check_files;
