//! Treats an environment variable with an empty value as one that is not set, for every option.
//!
//! Compose files and scripts write `HUB_CA=` or `HUB_CA=${CA:-}` where there is no value. Without this
//! module, some options would report a missing value for that, and others would use the empty text.

use clap::Command;
use clap::builder::Resettable;
use std::env;

/// Takes the environment variables away from the options for which they are empty.
pub(crate) fn forget(command: Command) -> Command {
    let command = command.mut_args(|arg| match arg.get_env() {
        Some(name) if env::var_os(name).is_some_and(|value| value.is_empty()) => {
            arg.env(Resettable::Reset)
        }
        _ => arg,
    });
    command.mut_subcommands(forget)
}
