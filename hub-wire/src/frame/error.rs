//! Defines the errors for frames that cannot be read.
//!
//! Each error has the offset of its byte. Without the offset, the author of a client would have to
//! search the whole frame for the fault.

use crate::WalkErrorKind;
use thiserror::Error;

/// States why a frame cannot be read, and at which byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{kind} (byte {at} of the frame)")]
pub struct FrameError {
    /// The fault has this offset in the body of the frame, which does not include the 4 bytes of the
    /// length.
    pub at: usize,
    /// The frame has this fault.
    pub kind: FrameErrorKind,
}

/// Describes a fault of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameErrorKind {
    /// The body is not an array of 1 to 15 values that begins with a type from 0 to 127.
    #[error("a frame is a MessagePack array that starts with its type")]
    NotAFrame,
    /// This version does not know the frame type.
    #[error("unknown frame type {0}")]
    UnknownType(u8),
    /// The frame ends in front of a value or within it.
    #[error("{what} is missing or cut short")]
    Missing {
        /// The value has this name.
        what: &'static str,
    },
    /// A value has the wrong type.
    #[error("{what} must be {expected}")]
    WrongType {
        /// The value has this name.
        what: &'static str,
        /// The value must have this type.
        expected: &'static str,
    },
    /// A value must be an integer, and is a float with the value of an integer.
    #[error("{what} is an integer written as a float; write it as MessagePack integer")]
    FloatForInteger {
        /// The value has this name.
        what: &'static str,
    },
    /// A value is not well-formed, or exceeds the limits.
    #[error("{what}: {fault}")]
    Value {
        /// The value has this name.
        what: &'static str,
        /// The walker has found this fault.
        fault: WalkErrorKind,
    },
    /// A value has the right type, but its content has no meaning in the protocol.
    #[error("{what} has no such value")]
    NoSuchValue {
        /// The value has this name.
        what: &'static str,
    },
    /// A map has one key twice.
    #[error("{what} have the same key twice")]
    Repeated {
        /// The map has this name, which is a plural.
        what: &'static str,
    },
    /// A map has too many entries.
    #[error("{what} have more than {limit} entries")]
    TooMany {
        /// The map has this name, which is a plural.
        what: &'static str,
        /// The map may have at most this many entries.
        limit: usize,
    },
    /// The frame continues behind its last value.
    #[error("bytes after the frame's last value")]
    Trailing,
}

impl FrameErrorKind {
    /// Returns the error for this fault at an offset.
    pub(crate) fn at(self, at: usize) -> FrameError {
        FrameError { at, kind: self }
    }
}
