//! Describes a subscription in the route of one topic.
//!
//! The member decides whether events and gaps are handed over to the subscription, deferred, or not
//! for it. Without the member, a reconnect would repeat or skip events.

use super::cursor::Cursor;

/// Describes a subscription in a route.
#[derive(Debug)]
pub(super) struct RouteMember {
    pub(super) id: u64,
    pub(super) cursor: Cursor,
    /// If this is true, the subscription takes part in the topic on this connection.
    pub(super) joined: bool,
    /// If the deferred deliveries of the subscription turn out to be due, it will have come this
    /// far.
    pub(super) deferred: Option<Cursor>,
}

/// States how a subscription takes part in a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Participation {
    /// The frame is not for this subscription.
    None,
    /// It is not yet known whether the frame is for this subscription.
    Deferred,
    /// The frame is for this subscription.
    Full,
}

impl RouteMember {
    pub(super) fn new(id: u64, cursor: Cursor) -> Self {
        RouteMember { id, cursor, joined: false, deferred: None }
    }

    /// Returns how the subscription takes part, when events or a gap from `first` on have arrived.
    /// `named` is set if the frame names this subscription, and not set if the frame is for all.
    pub(super) fn join(&mut self, named: Option<u64>, epoch: u64, first: u64) -> Participation {
        if named.is_some() {
            (self.joined, self.deferred) = (true, None);
        }
        if self.joined {
            return Participation::Full;
        }
        if self.deferred.is_none() && first == 1 && self.cursor.due(epoch) == Some(1) {
            self.deferred = Some(self.cursor);
        }
        if self.deferred.is_some() { Participation::Deferred } else { Participation::None }
    }

    /// Returns the cursor that the next delivery moves.
    pub(super) fn cursor_mut(&mut self) -> &mut Cursor {
        self.deferred.as_mut().unwrap_or(&mut self.cursor)
    }
}
