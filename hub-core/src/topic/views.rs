//! One run as it is for different readers.

use super::frames::frame_ends;
use bytes::Bytes;
use std::fmt::Debug;
use std::sync::Arc;

/// Says which view of an event a role has. It belongs to the rules under which the event was
/// scrubbed, so that a reload never mixes two sets of rules.
pub trait Roles: Send + Sync + Debug {
    /// The number of the role's view; 0 is the one of roles that are not known.
    fn view_of(&self, role: &str) -> usize;

    /// How many views there are; at least one.
    fn views(&self) -> usize;
}

/// The EVENT frames of a run, in each view.
#[derive(Debug, Clone)]
pub struct Views {
    pub(super) roles: Arc<dyn Roles>,
    pub(super) events: Vec<Bytes>,
}

impl Views {
    /// What a role gets; a role with a view that is not there gets the first.
    pub(super) fn events_for(&self, role: &str) -> Bytes {
        let view = self.roles.view_of(role);
        self.events.get(view).or(self.events.first()).cloned().unwrap_or_default()
    }

    /// The views of `count` of the events, from the one with this index on.
    pub(super) fn part(&self, index: usize, count: usize) -> Self {
        let part = |events: &Bytes| {
            let mut ends = std::iter::once(0).chain(frame_ends(events)).skip(index);
            let start = ends.next().unwrap_or(events.len());
            let end = ends.nth(count.saturating_sub(1)).unwrap_or(events.len());
            // A slice would keep all of them in memory.
            Bytes::copy_from_slice(&events[start..end])
        };
        Views { roles: self.roles.clone(), events: self.events.iter().map(part).collect() }
    }

    /// Bytes of all of them.
    pub(super) fn size(&self) -> usize {
        self.events.iter().map(Bytes::len).sum()
    }
}
