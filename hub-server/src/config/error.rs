//! The errors in a configuration. Without the origin of a value, its author would have to search file,
//! environment and flags for it.

use std::fmt;
use std::path::PathBuf;

/// Where the value of a key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueOrigin {
    /// The key is not set, so it has its default.
    Default,
    /// The value is in the configuration file.
    File {
        /// The path of the file, as it was given.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The column in characters, counted from 1.
        column: usize,
    },
    /// The value is in an environment variable.
    Environment {
        /// The name of the variable.
        name: String,
    },
    /// The value is in a flag of the command line.
    Flag {
        /// The name of the flag without the dashes.
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

/// Why a configuration was refused. It does not help to try again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file is not TOML.
    #[error("{origin}: {message}")]
    Syntax {
        /// Where in the file the error is.
        origin: ValueOrigin,
        /// The message of the parser.
        message: String,
    },
    /// There is no key of this name.
    #[error("{origin}: unknown key `{key}`; did you mean `{nearest}`?")]
    UnknownKey {
        /// Where the key was found.
        origin: ValueOrigin,
        /// The key as it was written.
        key: String,
        /// The known key that is most similar, in the spelling of that origin.
        nearest: String,
    },
    /// The key does not allow this value.
    #[error("{origin}: `{key}` is {found}; allowed is {allowed}")]
    Invalid {
        /// Where the value was found.
        origin: ValueOrigin,
        /// The key.
        key: &'static str,
        /// The value as it was written, shortened if it is long.
        found: String,
        /// The values that are allowed.
        allowed: String,
    },
    /// Two values contradict one another.
    #[error("{origin}: `{key}` is {found}; {rule}")]
    Conflict {
        /// Where the key was set.
        origin: ValueOrigin,
        /// The key.
        key: &'static str,
        /// Its value.
        found: String,
        /// What the value has to be, and which other key demands it.
        rule: String,
    },
}
