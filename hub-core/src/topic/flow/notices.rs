//! Holds what a flow that outlives its connection remembers beside its events.
//!
//! Without it, a gap that was lost with a connection would never be told, or would be told twice.

use crate::topic::queue_item::QueueItem;
use std::collections::VecDeque;
use thiserror::Error;

/// States why a subscription cannot be resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CannotResume {
    /// The queue has kept no subscription with this id.
    #[error("no subscription with this id was kept")]
    Unknown,
    /// The subscription is not interrupted.
    #[error("this subscription is in place")]
    InPlace,
    /// The client states counts that do not agree with what was sent.
    #[error("{events} events and {gaps} gaps are not what was sent")]
    Counts {
        /// The client states that it got this many events.
        events: u64,
        /// The client states that it got this many gaps.
        gaps: u64,
    },
}

/// Holds what a kept flow remembers beside its events.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// These gaps and positions were sent, and the client may not have got them.
    pub(super) notices: VecDeque<Notice>,
    /// The client has certainly got this many events.
    pub(super) events: u64,
    /// The client has certainly got this many gaps. They are no longer among the notices.
    pub(super) gaps: u64,
    /// If this is true, the connection broke, and the client has not resumed the subscription yet.
    pub(super) suspended: bool,
}

/// Holds a gap or a position that was sent.
#[derive(Debug)]
pub(super) struct Notice {
    /// This many events were sent before it.
    pub(super) after: u64,
    pub(super) item: QueueItem,
}

impl Notice {
    pub(super) fn is_gap(&self) -> bool {
        matches!(self.item, QueueItem::Gap(_))
    }
}
