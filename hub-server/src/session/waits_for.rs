//! Decides what a session waits for before it takes in more from its client. No other module
//! decides this. If the conditions were spread over the read path, one of them could be forgotten
//! in some place. Then a session would wait for something that never wakes it, and would be stuck
//! for ever.

use super::state::{Session, SessionState, is_ending};

/// States what a session waits for, and what wakes the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WaitsFor {
    /// The other sessions of the arbiter have their turn first, because this session still has many
    /// connections to flush, or because its turn is over. The session wakes itself.
    Turn,
    /// The session waits for an answer from elsewhere: from topics, from a password hash, or from
    /// an older connection. What waits for the answer wakes the session, or is a wait of the actor,
    /// after which actix polls the loop.
    Answer,
    /// The session reads nothing more. It is woken for writing only.
    End,
    /// The queue of a subscriber has no room. That queue wakes the session when it has room, or the
    /// timer does when the subscriber's grace is over.
    Room,
    /// The client has not read the answers that wait for it. The session's own queue wakes the
    /// session when it has drained.
    Client,
    /// A limit does not allow the client to send more at the moment. For a rate, a timer wakes the
    /// session. For memory, the memory monitor does.
    Limits,
    /// The session waits for nothing: it carries whole frames, and takes them in at once.
    Nothing,
    /// The session waits for bytes of its client. The socket wakes it.
    Bytes,
}

impl Session {
    /// Returns what the session waits for now: the first of the conditions below that holds.
    #[inline]
    pub(super) fn waits_for(&self) -> WaitsFor {
        let open = self.state == SessionState::Open;
        if !self.to_flush.is_empty() || self.left.gives_turn {
            WaitsFor::Turn
        } else if self.busy {
            WaitsFor::Answer
        } else if self.read_eof || self.state == SessionState::Draining {
            WaitsFor::End
        } else if open && self.backpressure.is_some() {
            WaitsFor::Room
        } else if !is_ending(self.state) && self.must_read_first() {
            WaitsFor::Client
        } else if open && self.limits.pauses() {
            WaitsFor::Limits
        } else if open && self.unfinished {
            WaitsFor::Nothing
        } else {
            WaitsFor::Bytes
        }
    }
}
