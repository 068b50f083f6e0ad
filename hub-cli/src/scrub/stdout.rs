//! Opens stdout for the `hub scrub` commands, and distinguishes the two ways in which a command stops
//! early.
//!
//! A reader such as `head` may close stdout before the end. Without the distinction, the command would
//! report that as an error.

use crate::exit::Failure;
use std::io::{self, BufWriter, StdoutLock};

/// Writes to stdout through a buffer. A command flushes it whenever it has nothing more to write for
/// now.
pub(super) type Out = BufWriter<StdoutLock<'static>>;

/// Opens stdout with a buffer.
pub(super) fn stdout() -> Out {
    BufWriter::with_capacity(64 << 10, io::stdout().lock())
}

/// Says why a command stopped before its end.
pub(super) enum Stopped {
    /// Stdout cannot be written.
    Output(io::Error),
    /// The command failed for another reason.
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
