//! Defines what the calls of the publish log return. Without these types, a caller could not tell an event
//! that was refused from one of unknown outcome.

use hub_wire::Refused;

/// States the result of publishing one event.
pub(crate) type PublishResult = Result<(), PublishFailure>;

/// States why an event was not accepted, as far as the client knows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum PublishFailure {
    /// The hub refused the event.
    Refused(Box<Refused>),
    /// The event may or may not have arrived.
    OutcomeUnknown,
    /// The client ended before the event was sent.
    NotSent,
}

/// States why an event did not enter the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotAppended {
    /// The frame is larger than the hub allows.
    TooLarge { size: usize, limit: u32 },
    /// The client has ended.
    Ended,
}

/// Describes an event that has just entered the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Appended {
    /// The event has this index for now.
    #[cfg_attr(not(test), allow(dead_code, reason = "only tests need the index"))]
    pub(crate) index: u64,
    /// [`PublishLog::withdraw`] takes the event back with this id, if somebody waits for its result.
    pub(crate) waiter: u64,
    /// If this is true, the caller should let the connection's task run.
    pub(crate) full: bool,
}

/// States how publishing continues after a reconnect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resumed {
    /// If this is true, publishing continues exactly where it stopped.
    pub(crate) exact: bool,
    /// This many events that no caller waits for have an unknown outcome.
    pub(crate) unknown: u64,
}
