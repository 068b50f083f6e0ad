//! Whether a rule acts, only counts, or acts on a part of the messages.
//!
//! Without modes a new rule could not be tried on real traffic before it changes any.

use std::fmt;

/// Whether a rule acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It counts what it would do.
    Shadow,
    /// It acts on so many of 100 messages, and counts on the others.
    Percent(u8),
    Enforce,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mode::Shadow => f.write_str("shadow"),
            Mode::Percent(percent) => write!(f, "{percent}%"),
            Mode::Enforce => f.write_str("enforce"),
        }
    }
}
