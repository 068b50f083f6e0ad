//! Defines the errors in a configuration. Each error names the origin of the value, because its author
//! would otherwise have to search the file, the environment and the flags for it.

use std::fmt;
use std::path::PathBuf;

/// Says where the value of a key comes from, so that an error can name the place to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueOrigin {
    /// The key is not set, so it has its default.
    Default,
    /// The value is in the configuration file.
    File {
        /// The file was given by this path.
        path: PathBuf,
        /// The place is in this line, counted from 1.
        line: usize,
        /// The place is in this column, counted in characters from 1.
        column: usize,
    },
    /// The value is in an environment variable.
    Environment {
        /// The variable has this name.
        name: String,
    },
    /// The value is in a flag of the command line.
    Flag {
        /// The flag has this name, without the dashes.
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

/// States why a configuration was refused. Loading the same configuration again fails again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file is not TOML.
    #[error("{origin}: {message}")]
    Syntax {
        /// The error is at this place in the file.
        origin: ValueOrigin,
        /// The parser gave this message.
        message: String,
    },
    /// There is no key of this name.
    #[error("{origin}: unknown key `{key}`; did you mean `{nearest}`?")]
    UnknownKey {
        /// The key was found here.
        origin: ValueOrigin,
        /// The key was written like this. Special characters are escaped, and the text is cut after
        /// 80 characters.
        key: String,
        /// Of all known keys, this one is the most similar. It is spelled as its origin spells
        /// keys: the file, the environment and a flag differ in this.
        nearest: String,
    },
    /// The key does not allow this value.
    #[error("{origin}: `{key}` is {found}; allowed is {allowed}")]
    Invalid {
        /// The value was found here.
        origin: ValueOrigin,
        /// The value belongs to this key.
        key: &'static str,
        /// The value reads like this. A long value is shortened.
        found: String,
        /// This text describes the values that the key accepts.
        allowed: String,
    },
    /// Two values contradict one another.
    #[error("{origin}: `{key}` is {found}; {rule}")]
    Conflict {
        /// The key was set here.
        origin: ValueOrigin,
        /// The value of this key contradicts that of another key.
        key: &'static str,
        /// The key has this value.
        found: String,
        /// This text says what the value has to be, and which other key demands it.
        rule: String,
    },
}
