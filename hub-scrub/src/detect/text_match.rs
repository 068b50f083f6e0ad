//! What a detector's search returns: where a match stands, and whether it needs a word nearby.
//!
//! Without this type each detector would return positions in a form of its own.

use super::cluster::Cluster;

/// A match: the bytes `start..end`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Match {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether it is a hit without a word nearby.
    pub(super) certain: bool,
}

impl Match {
    /// `count` groups from `first` on.
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
