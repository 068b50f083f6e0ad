//! The actions of rules with their settings, checked.
//!
//! Without this module, plan and engine would have to work with the words of the rule file.

use super::number::Number;
use std::collections::BTreeSet;

/// One action with its settings. It is valid by construction.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    Reject,
    Quarantine,
    Disconnect,
    Keep,
    Drop,
    Mask { with: char, length: Option<usize> },
    KeepFirst(usize),
    KeepLast(usize),
    Replace { text: String, encoded: Vec<u8> },
    Hash { key: usize },
    Token { key: usize },
    Encrypt { key: usize },
    TruncateIp { v4: u8, v6: u8 },
    Bucket(u64),
    ShiftDate { key: usize, days: u32 },
    Normalise(Normal),
    Range { min: Option<Number>, max: Option<Number>, outside: Outside },
    AllowKeys { keys: BTreeSet<Box<str>>, unknown: Unknown },
}

impl Action {
    /// Its name in rule files, counts and explanations.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Action::Reject => "reject",
            Action::Quarantine => "quarantine",
            Action::Disconnect => "disconnect",
            Action::Keep => "keep",
            Action::Drop => "drop",
            Action::Mask { .. } => "mask",
            Action::KeepFirst(_) => "keep_first",
            Action::KeepLast(_) => "keep_last",
            Action::Replace { .. } => "replace",
            Action::Hash { .. } => "hash",
            Action::Token { .. } => "token",
            Action::Encrypt { .. } => "encrypt",
            Action::TruncateIp { .. } => "truncate_ip",
            Action::Bucket(_) => "bucket",
            Action::ShiftDate { .. } => "shift_date",
            Action::Normalise(_) => "normalise",
            Action::Range { .. } => "range",
            Action::AllowKeys { .. } => "allow_keys",
        }
    }

    /// How strict the action is. Of the actions of finds that overlap, the strictest one counts.
    pub(crate) fn strictness(&self) -> u8 {
        match self {
            Action::Reject | Action::Quarantine | Action::Disconnect => 12,
            Action::Drop => 11,
            Action::Mask { .. } => 10,
            Action::Replace { .. } => 9,
            Action::Encrypt { .. } => 8,
            Action::Hash { .. } => 7,
            Action::Token { .. } => 6,
            Action::KeepFirst(_) | Action::KeepLast(_) => 5,
            Action::TruncateIp { .. } => 4,
            Action::Bucket(_) => 3,
            Action::ShiftDate { .. } => 2,
            Action::Normalise(_) | Action::Range { .. } | Action::AllowKeys { .. } => 1,
            Action::Keep => 0,
        }
    }

    /// Whether the action decides about the whole message, for all views.
    pub(crate) fn ends_message(&self) -> bool {
        matches!(self, Action::Reject | Action::Quarantine | Action::Disconnect)
    }

    /// Whether a view may choose this action for a label, and may replace it by another one.
    pub(crate) fn is_redaction(&self) -> bool {
        (2..=11).contains(&self.strictness())
    }

    /// Whether the action can apply to a part of a string, as detectors find it.
    pub(crate) fn works_on_ranges(&self) -> bool {
        self.is_redaction() || self.ends_message()
    }
}

/// How a string is normalised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Normal {
    pub(crate) trim: bool,
    pub(crate) nfc: bool,
    pub(crate) case: Option<Case>,
    /// Whether times in RFC 3339 are converted to UTC.
    pub(crate) timestamps: bool,
}

/// The case to which letters are converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Lower,
    Upper,
}

/// What happens to a number outside its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outside {
    /// The nearest bound replaces the number.
    Clamp,
    Reject,
}

/// What happens to a key that is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// The entry of the key is removed.
    Drop,
    Reject,
}
