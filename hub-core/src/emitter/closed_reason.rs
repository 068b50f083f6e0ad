//! Defines the reasons for which an emitter ends for good.
//!
//! Without the reason, a service whose credentials have expired could not tell that end from its own
//! call of `close`.

use hub_wire::{Close, CloseCode};
use thiserror::Error;

/// States why an emitter has ended for good, so that nothing can be emitted or received on it any
/// more.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ClosedReason {
    /// This program closed the emitter, or dropped its last handle.
    #[error("this program closed it")]
    ByProgram,
    /// The hub closed the connection with a code that does not allow the client to come back.
    #[error("the hub closed the connection: {} ({})", .0.code, .0.reason)]
    ByHub(Close),
    /// The connection failed, and the client may not or cannot connect again. The text has the whole
    /// chain of causes.
    #[error("{0}")]
    Failed(String),
}

impl ClosedReason {
    /// Returns the code with which the hub closed the connection, if the hub closed it.
    #[must_use]
    pub fn code(&self) -> Option<CloseCode> {
        match self {
            ClosedReason::ByHub(close) => Some(close.code),
            ClosedReason::ByProgram | ClosedReason::Failed(_) => None,
        }
    }

    /// Returns whether this program wanted the end.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        matches!(self, ClosedReason::ByProgram)
    }
}
