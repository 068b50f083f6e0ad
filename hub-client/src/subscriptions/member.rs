//! A subscription in the route of one topic.
//!
//! It decides whether what comes is for the subscription, is to be held back, or is not for it.
//! Without it, a reconnect would repeat or skip events.

use super::place::Place;

/// A subscription in a route.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) id: u64,
    pub(super) place: Place,
    /// Whether it takes part in the topic on this connection.
    pub(super) joined: bool,
    /// Where it will stand if what is held for it turns out to be due.
    pub(super) held: Option<Place>,
}

/// How a subscription takes part in a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    None,
    Held,
    Full,
}

impl Member {
    pub(super) fn new(id: u64, place: Place) -> Self {
        Member { id, place, joined: false, held: None }
    }

    /// How it takes part, given that events or a gap from `first` on came for it (`named`) or
    /// for all.
    pub(super) fn join(&mut self, named: Option<u64>, epoch: u64, first: u64) -> Part {
        if named.is_some() {
            (self.joined, self.held) = (true, None);
        }
        if self.joined {
            return Part::Full;
        }
        if self.held.is_none() && first == 1 && self.place.due(epoch) == Some(1) {
            self.held = Some(self.place);
        }
        if self.held.is_some() { Part::Held } else { Part::None }
    }

    pub(super) fn standing(&mut self) -> &mut Place {
        self.held.as_mut().unwrap_or(&mut self.place)
    }
}
