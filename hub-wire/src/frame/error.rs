//! What is wrong with a frame.

use crate::WalkErrorKind;
use thiserror::Error;

/// A frame that cannot be understood: what was expected, and the offset in the frame's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{kind} (byte {at} of the frame)")]
pub struct FrameError {
    /// Offset in the frame's body, that is without the 4-byte length.
    pub at: usize,
    /// What is wrong there.
    pub kind: FrameErrorKind,
}

/// What is wrong with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameErrorKind {
    /// Not an array of 1 to 15 values that starts with a type from 0 to 127.
    #[error("a frame is a MessagePack array that starts with its type")]
    NotAFrame,
    /// A type this version does not know.
    #[error("unknown frame type {0}")]
    UnknownType(u8),
    /// The frame ends where a value should be.
    #[error("{what} is missing or cut short")]
    Missing {
        /// The value's name.
        what: &'static str,
    },
    /// A value of the wrong type.
    #[error("{what} must be {expected}")]
    WrongType {
        /// The value's name.
        what: &'static str,
        /// The type it must have.
        expected: &'static str,
    },
    /// A value that is not well-formed or over the limits.
    #[error("{what}: {fault}")]
    Value {
        /// The value's name.
        what: &'static str,
        /// What the walker found.
        fault: WalkErrorKind,
    },
    /// A value with a meaning that does not exist.
    #[error("{what} has no such value")]
    NoSuchValue {
        /// The value's name.
        what: &'static str,
    },
    /// A map with one key twice.
    #[error("{what} have the same key twice")]
    Repeated {
        /// The map's name, which is a plural.
        what: &'static str,
    },
    /// A map with too many entries.
    #[error("{what} have more than {limit} entries")]
    TooMany {
        /// The map's name, which is a plural.
        what: &'static str,
        /// How many it may have.
        limit: usize,
    },
    /// The frame goes on where it should end.
    #[error("bytes after the frame's last value")]
    Trailing,
}

impl FrameErrorKind {
    pub(crate) fn at(self, at: usize) -> FrameError {
        FrameError { at, kind: self }
    }
}
