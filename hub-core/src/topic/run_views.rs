//! Keeps the views of a run: its EVENT frames, as clients with different roles may see them.
//!
//! A run keeps all its views, and each role gets its own when the run is queued or replayed. If a
//! run had only one form, a client could see values that rules hide from its role.

use super::frames::frame_ends;
use bytes::Bytes;
use std::fmt::Debug;
use std::sync::Arc;

/// Finds the view of an event that a role gets.
///
/// A resolver belongs to the rules under which the event was scrubbed, so that a reload never mixes
/// two sets of rules.
pub trait ViewResolver: Send + Sync + Debug {
    /// Returns the number of the view of this role. A role that is not known has view 0.
    fn view_of(&self, role: &str) -> usize;

    /// Returns how many views exist. There is at least one.
    fn views(&self) -> usize;
}

/// Holds the EVENT frames of a run, in each view.
#[derive(Debug, Clone)]
pub struct RunViews {
    pub(super) resolver: Arc<dyn ViewResolver>,
    pub(super) events: Vec<Bytes>,
}

impl RunViews {
    /// Returns the EVENT frames in the view of a role. If that view does not exist, the role gets the
    /// first view.
    pub(super) fn events_for(&self, role: &str) -> Bytes {
        let view = self.resolver.view_of(role);
        self.events.get(view).or(self.events.first()).cloned().unwrap_or_default()
    }

    /// Returns the views of `count` of the events, from the event with this index on.
    pub(super) fn part(&self, index: usize, count: usize) -> Self {
        let part = |events: &Bytes| {
            let mut ends = std::iter::once(0).chain(frame_ends(events)).skip(index);
            let start = ends.next().unwrap_or(events.len());
            let end = ends.nth(count.saturating_sub(1)).unwrap_or(events.len());
            // A slice would keep the frames of all events in memory.
            Bytes::copy_from_slice(&events[start..end])
        };
        RunViews { resolver: self.resolver.clone(), events: self.events.iter().map(part).collect() }
    }

    /// Returns how many bytes all views have together.
    pub(super) fn size(&self) -> usize {
        self.events.iter().map(Bytes::len).sum()
    }
}
