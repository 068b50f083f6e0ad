//! The hub server: it accepts clients, checks and routes their events, and stops without losing any.
//!
//! The modules, from the lowest to the highest. A module imports only modules above it in this list, and no
//! two files import one another. Otherwise no part could be read, tested or changed by itself.
//!
//! - `text`, `supervise`: text files with good errors; tasks that start again after a panic
//! - `reload`: follows files, and loads them when they change
//! - [`config`]: the configuration keys, which are read from file, environment and flags
//! - `limits`: rates, counts, and the memory budget
//! - `policy`: which client may do what ([`access`]), the rules of the scrub, the trusted CAs
//! - `directory`: the topics, sessions and instances that exist now
//! - `telemetry`: metrics, and the audit of deliveries
//! - `net`: accepts connections, with TLS or without, reads and writes
//! - `session`: one actor for each connection
//! - `hub`: the handles to all of these, for the modules below
//! - `put_in_force`: the one place where a loaded file takes effect
//! - [`http`], `admin`: health, metrics and the admin API
//! - [`serve`](mod@serve): the composition root, which builds a hub and runs it
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
