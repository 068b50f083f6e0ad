//! What a session waits for before it takes in more of its client. It is decided here and nowhere else:
//! spread over the read path, these conditions would be asked in one place and forgotten in another, and a
//! session that waits for what nothing wakes it for is stuck for ever.

use super::state::{Session, SessionState, is_ending};

/// What a session waits for, and how it is woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WaitsFor {
    /// The turn of other sessions of the arbiter, because many connections are still to be flushed. The
    /// session wakes itself.
    Turn,
    /// An answer from elsewhere: of topics, of a hash, of an older connection. actix does not poll the
    /// loop before the answer is there, and polls it then.
    Answer,
    /// Nothing that comes: no more is read. The session is woken for writing only.
    End,
    /// Room in the queue of a subscriber. That queue wakes the session, or the end of its grace does.
    Room,
    /// That its client reads what it was answered. The session's own queue wakes it when it has drained.
    Client,
    /// That its client may send more. A timer wakes it for a rate, and the memory for itself.
    Limits,
    /// Nothing: whole frames are carried, and the session goes on at once.
    Nothing,
    /// Bytes. The socket wakes it.
    Bytes,
}

impl Session {
    /// What the session waits for now: the first of these that holds.
    #[inline]
    pub(super) fn waits_for(&self) -> WaitsFor {
        let open = self.state == SessionState::Open;
        if !self.to_flush.is_empty() {
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
