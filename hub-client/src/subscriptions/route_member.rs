//! A subscription in the route of one topic.
//!
//! It decides whether what comes is for the subscription, is to be deferred back, or is not for it.
//! Without it, a reconnect would repeat or skip events.

use super::cursor::Cursor;

/// A subscription in a route.
#[derive(Debug)]
pub(super) struct RouteMember {
    pub(super) id: u64,
    pub(super) cursor: Cursor,
    /// Whether it takes participation in the topic on this connection.
    pub(super) joined: bool,
    /// Where it will stand if what is deferred for it turns out to be due.
    pub(super) deferred: Option<Cursor>,
}

/// How a subscription takes participation in a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Participation {
    None,
    Deferred,
    Full,
}

impl RouteMember {
    pub(super) fn new(id: u64, cursor: Cursor) -> Self {
        RouteMember { id, cursor, joined: false, deferred: None }
    }

    /// How it takes participation, given that events or a gap from `first` on came for it (`named`) or
    /// for all.
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

    pub(super) fn cursor_mut(&mut self) -> &mut Cursor {
        self.deferred.as_mut().unwrap_or(&mut self.cursor)
    }
}
