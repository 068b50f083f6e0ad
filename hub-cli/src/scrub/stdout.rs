//! Stdout of the `hub scrub` commands, and the two ways in which a command stops early.
//!
//! A reader such as `head` may close stdout before the end. Without this distinction, that would be
//! reported as an error of the command.

use crate::exit::Failure;
use std::io::{self, BufWriter, StdoutLock};

/// Stdout with a buffer. A command flushes it whenever it has nothing more to write for now.
pub(super) type Out = BufWriter<StdoutLock<'static>>;

/// Opens stdout with a buffer.
pub(super) fn stdout() -> Out {
    BufWriter::with_capacity(64 << 10, io::stdout().lock())
}

/// Why a command stopped before its end.
pub(super) enum Stopped {
    /// Stdout cannot be written.
    Output(io::Error),
    /// Anything else.
    Failed(Failure),
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Stopped::Output(error)
    }
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Stopped::Failed(failure)
    }
}
