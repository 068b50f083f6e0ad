//! The mode of a rule states whether the rule acts, only counts, or acts on a part of the messages.
//!
//! Without modes, nobody could try a new rule on real traffic before it changes an event.

use std::fmt;

/// The `Mode` of a rule states whether and on which messages the rule acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The rule only counts what it would do.
    Shadow,
    /// The rule acts on this many of 100 messages, and only counts on the others.
    Percent(u8),
    /// The rule acts on all messages.
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
