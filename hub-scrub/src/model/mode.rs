//! Whether a rule acts, only counts, or acts on a part of the messages.
//!
//! Without modes, nobody could try a new rule on real traffic before it changes an event.

use std::fmt;

/// Whether and on which messages a rule acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The rule counts what it would do.
    Shadow,
    /// The rule acts on this many of 100 messages, and counts on the others.
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
