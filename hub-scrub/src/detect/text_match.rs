//! A detector's search returns a match: its range, and what speaks for it.
//!
//! Without this type, each detector would return its matches in a form of its own.

use super::cluster::Cluster;
use super::evidence::Evidence;

/// A `Match` is what a search found in the bytes `start..end` of a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Match {
    pub(super) start: usize,
    pub(super) end: usize,
    /// This speaks for the match, whatever words and keys are near it.
    pub(super) evidence: Evidence,
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
        evidence: Evidence,
    ) -> Match {
        let groups = &cluster.groups()[first..first + count];
        Match { start: groups[0].start, end: groups[count - 1].end(), evidence }
    }
}
