//! What can be wrong with a configuration.

use std::fmt;
use std::path::PathBuf;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueOrigin {
    /// Nobody set it.
    Default,
    /// The configuration file.
    File {
        /// Its path as it was given.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
    },
    /// An environment variable.
    Environment {
        /// Its name.
        name: String,
    },
    /// A flag of the command line.
    Flag {
        /// Its name without the dashes.
        name: String,
    },
}

impl fmt::Display for ValueOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValueOrigin::Default => f.write_str("default"),
            ValueOrigin::File { path, line, column } => {
                write!(f, "{}:{line}:{column}", path.display())
            }
            ValueOrigin::Environment { name } => write!(f, "environment variable {name}"),
            ValueOrigin::Flag { name } => write!(f, "flag --{name}"),
        }
    }
}

/// Why a configuration was refused. None of these goes away by trying again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file is not TOML.
    #[error("{origin}: {message}")]
    Syntax {
        /// Where in the file.
        origin: ValueOrigin,
        /// What the parser said.
        message: String,
    },
    /// There is no such key.
    #[error("{origin}: unknown key `{key}`; did you mean `{nearest}`?")]
    UnknownKey {
        /// Where it was found.
        origin: ValueOrigin,
        /// The key as it was written.
        key: String,
        /// The known key most like it, spelled as it would be there.
        nearest: String,
    },
    /// A value that its key does not allow.
    #[error("{origin}: `{key}` is {found}; allowed is {allowed}")]
    Invalid {
        /// Where it was found.
        origin: ValueOrigin,
        /// The key.
        key: &'static str,
        /// The value as it was written, shortened.
        found: String,
        /// What is allowed.
        allowed: String,
    },
    /// Two values that do not fit together.
    #[error("{origin}: `{key}` is {found}; {rule}")]
    Conflict {
        /// Where the key was set.
        origin: ValueOrigin,
        /// The key.
        key: &'static str,
        /// Its value.
        found: String,
        /// What it has to be, and because of which other key.
        rule: String,
    },
}
