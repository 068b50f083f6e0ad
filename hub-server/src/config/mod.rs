//! The hub's configuration: one flat set of keys, spelled alike in all three places.
//!
//! A key such as `max_frame_bytes` is `max_frame_bytes` in the TOML file, `HUB_MAX_FRAME_BYTES` in
//! the environment and `--max-frame-bytes` on the command line. Defaults lose to the file, the file
//! to the environment, the environment to flags.
//!
//! Invariants, and what breaks without them:
//!
//! - **[`Key::ALL`] is the only list of keys.** The struct, its defaults, the example file, the
//!   names in the environment, the flags and the check for unknown keys all derive from it; a
//!   second list would drift.
//! - **A [`Config`] from [`Config::load`] is valid**: each value in its range, and the values
//!   compatible with one another. Nothing after start-up checks them again.
//! - **Nothing is ignored.** A misspelt key is an error that names it and the nearest known key; a
//!   limit that is silently not applied is worse than a hub that does not start.

mod error;
mod file;
mod keys;
mod load;
mod show;
mod tls;
mod tls_conflict;
mod value;

pub use error::{ConfigError, ValueOrigin};
pub use file::ConfigFile;
pub use keys::{Config, Key};
pub(crate) use keys::{FixedConfig, LiveConfig};
pub use load::IGNORED_ENV;
pub use show::{Flag, changes, default_toml, flags};
pub use tls::{ClientAuth, HttpTls};
pub use value::{Allowed, Anonymous, Unit, Value};
