//! Why a connection was probably reset.
//!
//! A reset carries no reason. What came before it tells the likely one, and the report says "probably".

use super::side::Side;
use super::{Signs, State};
use crate::segment::Segment;

/// The probable reason of a reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetReason {
    /// A SYN was answered by a reset: nothing listens on the port, or a firewall refuses.
    Refused,
    /// The client gave up before the connection was established.
    GivenUpEarly,
    /// The sender does not know the connection: it was restarted, or has forgotten the connection.
    Unknown,
    /// Data came for a program that had closed the connection.
    DataAfterClose,
    /// The program ended or closed the connection with data unread.
    UnreadData,
    /// The sender repeated data in vain, and gave up.
    NoAnswer,
    /// The program chose to reset the connection, or ended.
    Aborted,
    /// Both sides were done already.
    AfterEnd,
}

impl ResetReason {
    /// Returns the text for people.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            ResetReason::Refused => "nothing listens on the port, or a firewall refuses",
            ResetReason::GivenUpEarly => "the client gave up before the connection was established",
            ResetReason::Unknown => {
                "its sender does not know the connection: it was restarted, or has forgotten it"
            }
            ResetReason::DataAfterClose => "data came after its sender had closed",
            ResetReason::UnreadData => "its sender closed with data that it had not read",
            ResetReason::NoAnswer => "its sender got no answer to what it sent again",
            ResetReason::Aborted => "its program ended, or chose to reset",
            ResetReason::AfterEnd => "both sides were done, so it lost nothing",
        }
    }
}

/// Finds the probable reason of a reset from `me`, with both sides as they were in front of it.
pub(super) fn reason(me: &Side, peer: &Side, segment: &Segment<'_>) -> ResetReason {
    match (me.state, peer.state) {
        (State::Closed | State::Listen, State::SynSent) => return ResetReason::Refused,
        (State::SynSent, _) | (_, State::SynReceived) => return ResetReason::GivenUpEarly,
        _ => {}
    }
    if me.fin.is_some() && peer.fin.is_some() {
        return ResetReason::AfterEnd;
    }
    if me.fin.is_some() {
        return ResetReason::DataAfterClose;
    }
    // A host that knows nothing of a connection takes the number from the acknowledgement that it got,
    // and sends no acknowledgement of its own.
    if !segment.flags.ack() && peer.last_ack == Some(segment.seq) {
        let silent = me.next.is_none_or(|next| next != segment.seq);
        if silent || me.figures.segments == 0 {
            return ResetReason::Unknown;
        }
    }
    let in_vain = Signs::RETRANSMISSION | Signs::KEEP_ALIVE;
    if me.last_signs.any(in_vain)
        && me.in_flight.len() + usize::from(me.last_signs.any(Signs::KEEP_ALIVE)) > 0
    {
        return ResetReason::NoAnswer;
    }
    if !peer.in_flight.is_empty() || peer.figures.bytes > 0 && peer.last_ack == me.next {
        return ResetReason::UnreadData;
    }
    ResetReason::Aborted
}
