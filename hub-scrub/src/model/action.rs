//! What a rule does with what it found: the actions and their settings, checked.
//!
//! Without this module plan and engine would have to work with the words of the rule file.

use super::number::Number;
use std::collections::BTreeSet;

/// One action, checked.
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

    /// Of several actions on what overlaps, the one with the greatest strictness is taken.
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

    /// Whether it concerns the whole message, for all views.
    pub(crate) fn ends_message(&self) -> bool {
        matches!(self, Action::Reject | Action::Quarantine | Action::Disconnect)
    }

    /// Whether a view may name it for a label, and a label's view may change it.
    pub(crate) fn is_redaction(&self) -> bool {
        (2..=11).contains(&self.strictness())
    }

    /// Whether it can act on a part of a string, which is what a detector finds.
    pub(crate) fn works_on_spans(&self) -> bool {
        self.is_redaction() || self.ends_message()
    }
}

/// How a string is brought into one form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Normal {
    pub(crate) trim: bool,
    pub(crate) nfc: bool,
    pub(crate) case: Option<Case>,
    /// Times in RFC 3339 are written in UTC.
    pub(crate) timestamps: bool,
}

/// The case that letters are brought into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Lower,
    Upper,
}

/// What happens to a number outside of its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outside {
    /// The nearest bound takes its place.
    Clamp,
    Reject,
}

/// What happens to a key that is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// Its entry is taken out.
    Drop,
    Reject,
}
