//! This module has the checked actions of rules, with their settings.
//!
//! Without this module, plan and engine would have to work with the words of the rule file.

use super::number::Number;
use std::collections::BTreeSet;

/// An `Action` is what a rule does with a find, with the settings of the rule file. It is always valid. A
/// `key` is the index of a [`Keyring`](super::Keyring) in [`Keys`](super::Keys).
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    Reject,
    Quarantine,
    Disconnect,
    Keep,
    Drop,
    /// Each character is replaced by `with`. If `length` is set, the mask has that many characters.
    Mask {
        with: char,
        length: Option<usize>,
    },
    /// The first letters and digits stay. The number says how many.
    KeepFirst(usize),
    /// The last letters and digits stay. The number says how many.
    KeepLast(usize),
    /// `text` replaces a part of a text, and the MessagePack in `encoded` replaces a whole value.
    Replace {
        text: String,
        encoded: Vec<u8>,
    },
    Hash {
        key: usize,
    },
    Token {
        key: usize,
    },
    Encrypt {
        key: usize,
    },
    /// The address keeps this many leading bits.
    TruncateIp {
        v4: u8,
        v6: u8,
    },
    /// The number is rounded down to a multiple of this size.
    Bucket(u64),
    /// The date moves by at most `days` days in either direction.
    ShiftDate {
        key: usize,
        days: u32,
    },
    Normalise(Normal),
    Range {
        min: Option<Number>,
        max: Option<Number>,
        outside: Outside,
    },
    AllowKeys {
        keys: BTreeSet<Box<str>>,
        unknown: Unknown,
    },
}

impl Action {
    /// Returns the name of the action in rule files, counts and explanations.
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

    /// Returns how many steps the action costs on a text or value of `len` bytes. The hashes and ciphers cost a
    /// hundred times what a mask costs.
    pub(crate) fn steps(&self, len: usize) -> u64 {
        let len = len as u64;
        match self {
            Action::Hash { .. } => 80 + len / 8,
            Action::Token { .. } | Action::Encrypt { .. } => 160 + len / 2,
            Action::ShiftDate { .. } => 100 + len / 8,
            Action::TruncateIp { .. } | Action::Bucket(_) => 24 + len / 8,
            _ => 4 + len / 8,
        }
    }

    /// Returns how many steps it costs to see whether a part of a text of `len` bytes can still be read after
    /// the action.
    pub(crate) fn leaves_steps(&self, len: usize) -> u64 {
        match self {
            Action::KeepFirst(_)
            | Action::KeepLast(_)
            | Action::TruncateIp { .. }
            | Action::Bucket(_)
            | Action::ShiftDate { .. } => self.steps(len) + len as u64 / 8,
            _ => 0,
        }
    }

    /// Returns how strict the action is. If finds overlap, the strictest of their actions counts.
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

    /// Returns whether the action decides about the whole message, for all views.
    pub(crate) fn ends_message(&self) -> bool {
        matches!(self, Action::Reject | Action::Quarantine | Action::Disconnect)
    }

    /// Returns whether a view may choose this action for a label, and may replace it by another one.
    pub(crate) fn is_redaction(&self) -> bool {
        (2..=11).contains(&self.strictness())
    }

    /// Returns whether the action can apply to a part of a string, as detectors find it.
    pub(crate) fn works_on_ranges(&self) -> bool {
        self.is_redaction() || self.ends_message()
    }
}

/// `Normal` states how a string is normalised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Normal {
    /// If this is true, white space at both ends is removed.
    pub(crate) trim: bool,
    /// If this is true, the string is converted to the Unicode normalisation form C.
    pub(crate) nfc: bool,
    pub(crate) case: Option<Case>,
    /// If this is true, times in RFC 3339 are converted to UTC.
    pub(crate) timestamps: bool,
}

/// Letters are converted to this case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Lower,
    Upper,
}

/// `Outside` states what happens to a number outside its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outside {
    /// The nearest bound replaces the number.
    Clamp,
    Reject,
}

/// `Unknown` states what happens to a key that is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// The entry of the key is removed.
    Drop,
    Reject,
}
