//! The hub itself: it listens, checks and routes events, and stops without losing any.
//!
//! The rooms, from the ground up. A room imports only those that stand before it, and no two files
//! import one another; otherwise nothing here could be read, tested or changed by itself.
//!
//! - `text`, `supervise`: text files with good errors; parts of the hub that begin anew after a panic
//! - `reload`: follows files, and loads them when they change
//! - [`config`]: what can be set, read from file, environment and flags
//! - `limits`: rates, counts, and the memory budget
//! - `policy`: who may do what ([`access`]), the rules of the scrub, the trust of TLS
//! - `directory`: the topics, sessions and instances that exist now
//! - `telemetry`: metrics, and the audit of deliveries
//! - `net`: accepting connections, TLS, reading and writing
//! - `session`: one actor a connection
//! - `hub`: the handles to all of these, which only the following have
//! - `put_in_force`: the one place where a loaded file takes effect
//! - [`http`], `admin`: health, metrics and the admin API
//! - [`serve`](mod@serve): the composition root, where a hub is put together and run
//! - `running_hub`: a hub in a thread of its own

mod admin;
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
mod session;
mod supervise;
mod telemetry;
mod text;

pub use config::Config;
pub use policy::access;
pub use policy::access_file::AccessFileError;
pub use policy::rule_file::RulesError;
pub use policy::tls::alpn::ALPN;
pub use policy::tls::files::{TlsError, TlsFileFault};
pub use running_hub::RunningHub;
pub use serve::{ServeError, run_until_signal};
