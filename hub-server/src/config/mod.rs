//! Defines the hub's configuration. It is one flat set of keys, which are spelled alike in the file, the
//! environment and the flags.
//!
//! The key `max_frame_bytes`, for example, is called `max_frame_bytes` in the TOML file,
//! `HUB_MAX_FRAME_BYTES` in the environment and `--max-frame-bytes` on the command line. A flag wins
//! over the environment, the environment over the file, and the file over the default.
//!
//! The module has these invariants:
//!
//! - **[`Key::ALL`] is the only list of keys.** The struct, its defaults, the example file, the names in
//!   the environment, the flags and the check for unknown keys all derive from it. A second list would
//!   drift from it.
//! - **A [`Config`] from [`Config::load`] is valid.** Each value is in its range, and no two values
//!   contradict one another. Nothing checks the values again after the start.
//! - **Nothing is ignored.** A misspelt key is an error that names the key and the nearest known key. A
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
pub use tls::{ClientAuth, Switch};
pub use value::{Allowed, Anonymous, Unit, Value};
