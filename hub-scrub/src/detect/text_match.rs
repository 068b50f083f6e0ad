//! A detector's search returns a match: its range, and whether it needs a word nearby.
//!
//! Without this type, each detector would return its matches in a form of its own.

use super::cluster::Cluster;

/// A `Match` is what a search found in the bytes `start..end` of a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Match {
    pub(super) start: usize,
    pub(super) end: usize,
    /// If this is true, the match is a hit even without a word nearby.
    pub(super) certain: bool,
}

impl Match {
    /// Returns whether all bytes of the match are in another one.
    pub(super) fn is_in(self, other: Match) -> bool {
        other.start <= self.start && self.end <= other.end
    }

    /// Returns the match of `count` groups from the group `first` on.
    pub(super) fn groups(
        cluster: &Cluster<'_>,
        first: usize,
        count: usize,
        certain: bool,
    ) -> Match {
        let groups = &cluster.groups()[first..first + count];
        Match { start: groups[0].start, end: groups[count - 1].end(), certain }
    }
}
