//! This module searches for a number at a group of digits.
//!
//! A search states the lengths of the group with which its numbers begin, so that the scan calls it at no
//! other group. Without that, each group of digits would cost one call for each detector of numbers.

use super::cluster::Cluster;
use super::evidence::Evidence;
use super::text_match::Match;
use super::work::Work;

/// A `Layout` is a way to write a number: the lengths of its groups in digits, the separator between them,
/// and what speaks for a number in this layout.
pub(super) type Layout = (&'static [usize], u8, Evidence);

/// A `NumberSearch` states how a detector searches for a number.
#[derive(Debug, Clone, Copy)]
pub(super) enum NumberSearch {
    /// The number consists of digits only, has one of these layouts, and passes the check.
    Written(&'static [Layout], fn(&[u8]) -> bool),
    /// The detector has a search of its own. The first function says whether a number may begin with a group
    /// of this length, and the second function searches from the given group on.
    Own(fn(usize) -> bool, fn(&Cluster<'_>, usize, &mut Work) -> Option<Match>),
}

/// A search for a number in some layouts costs this many reads for each layout.
const LAYOUT_READS: usize = 8;
/// To compute check digits costs this many reads.
pub(super) const CHECK_READS: usize = 40;

impl NumberSearch {
    /// Returns whether a number may begin with a group of `len` digits.
    pub(super) fn may_begin(self, len: usize) -> bool {
        match self {
            NumberSearch::Written(layouts, _) => {
                layouts.iter().any(|(lengths, ..)| lengths.first() == Some(&len))
            }
            NumberSearch::Own(may_begin, ..) => may_begin(len),
        }
    }

    /// Finds the number that begins at the group `first`.
    #[inline]
    pub(super) fn find(
        self,
        cluster: &Cluster<'_>,
        first: usize,
        work: &mut Work,
    ) -> Option<Match> {
        match self {
            NumberSearch::Written(layouts, check) => {
                work.add(LAYOUT_READS * layouts.len());
                written(cluster, first, layouts, check, work)
            }
            NumberSearch::Own(_, find) => find(cluster, first, work),
        }
    }
}

/// Finds a number that consists of digits only, begins at the group `first`, and has one of these
/// layouts.
fn written(
    cluster: &Cluster<'_>,
    first: usize,
    layouts: &[Layout],
    check: fn(&[u8]) -> bool,
    work: &mut Work,
) -> Option<Match> {
    let mut digits = [0; 16];
    let (lengths, _, evidence) = layouts.iter().find(|(lengths, sep, _)| {
        if !is_written(cluster, first, lengths, *sep) {
            return false;
        }
        work.add(CHECK_READS);
        cluster.digits(first, lengths.len(), &mut digits).is_some_and(check)
    })?;
    Some(Match::groups(cluster, first, lengths.len(), *evidence))
}

fn is_written(cluster: &Cluster<'_>, first: usize, lengths: &[usize], sep: u8) -> bool {
    if lengths.len() > 1 {
        return cluster.is_row(first, lengths, sep);
    }
    let alone = cluster.sep(first) != b'.' && !cluster.letter_follows(first);
    alone && cluster.groups()[first].len == lengths[0]
}
