//! This module has the type of hits, and resolves hits that overlap.
//!
//! Every byte that any detector found stays in some hit. Otherwise one detector could hide what another one
//! found.

use super::evidence::Evidence;

/// A `Hit` is something sensitive in the bytes `start..end` of the scanned text.
///
/// The hits of one scan are in ascending order and do not overlap. Where the finds of detectors
/// overlap:
///
/// 1. A find inside another find is left out. If finds are equal, the detector that is named first keeps
///    its find.
/// 2. If two finds overlap in part, the longer find keeps its whole length. If both are equally long, the
///    detector that is named first keeps its find, and for one detector the earlier find stays. The rest of
///    the other find stays a hit of its own detector, so that every found byte is in some hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hit {
    /// The first byte of the hit is at this offset.
    pub start: usize,
    /// The last byte of the hit is directly in front of this offset.
    pub end: usize,
    /// The detector has this index in the specifications of the set.
    pub detector: u16,
    /// The hit is so sure, for this reason.
    pub evidence: Evidence,
}

/// Sorts `hits[from..]` and resolves overlaps, as [`Hit`] describes.
pub(super) fn resolve(hits: &mut Vec<Hit>, from: usize) {
    if hits.len() - from < 2 {
        return;
    }
    hits[from..].sort_unstable_by_key(|hit| (hit.start, usize::MAX - hit.end, hit.detector));
    let mut kept = from;
    for i in from..hits.len() {
        let mut next = hits[i];
        while kept > from && next.start < hits[kept - 1].end {
            let last = &mut hits[kept - 1];
            if next.end <= last.end {
                next.start = next.end;
                break;
            } else if next.start <= last.start {
                // The rest of `last` is inside `next`.
                kept -= 1;
            } else if (next.end - next.start, last.detector)
                > (last.end - last.start, next.detector)
            {
                last.end = next.start;
            } else {
                next.start = last.end;
            }
        }
        if next.start < next.end {
            hits[kept] = next;
            kept += 1;
        }
    }
    hits.truncate(kept);
}

#[cfg(test)]
mod tests {
    use super::{Evidence, Hit, resolve};
    use proptest::prelude::*;

    fn hits(spans: &[(usize, usize, u16)]) -> Vec<Hit> {
        let evidence = Evidence::FORM;
        let hit = |&(start, end, detector)| Hit { start, end, detector, evidence };
        spans.iter().map(hit).collect()
    }

    fn resolved(spans: &[(usize, usize, u16)]) -> Vec<Hit> {
        let mut hits = hits(spans);
        resolve(&mut hits, 0);
        hits
    }

    #[test]
    fn of_nested_hits_the_outer_stays() {
        assert_eq!(resolved(&[(3, 5, 0), (0, 9, 1)]), hits(&[(0, 9, 1)]));
        assert_eq!(resolved(&[(0, 5, 0), (0, 9, 1)]), hits(&[(0, 9, 1)]));
    }

    #[test]
    fn of_equal_hits_the_detector_named_first_stays() {
        assert_eq!(resolved(&[(0, 9, 2), (0, 9, 1)]), hits(&[(0, 9, 1)]));
    }

    #[test]
    fn what_sticks_out_of_the_shorter_stays() {
        assert_eq!(resolved(&[(0, 6, 0), (4, 12, 1)]), hits(&[(0, 4, 0), (4, 12, 1)]));
        assert_eq!(resolved(&[(0, 8, 1), (6, 12, 0)]), hits(&[(0, 8, 1), (8, 12, 0)]));
        assert_eq!(resolved(&[(0, 6, 1), (4, 10, 0)]), hits(&[(0, 4, 1), (4, 10, 0)]));
        assert_eq!(resolved(&[(0, 6, 1), (4, 10, 1)]), hits(&[(0, 6, 1), (6, 10, 1)]));
    }

    proptest! {
        #[test]
        fn hits_ascend_and_cover_what_was_found(
            spans in prop::collection::vec((0usize..60, 1usize..12, 0u16..4), 0..30)
        ) {
            let spans: Vec<_> = spans.iter().map(|&(s, n, d)| (s, s + n, d)).collect();
            let out = resolved(&spans);
            prop_assert!(out.iter().all(|hit| hit.start < hit.end));
            prop_assert!(out.windows(2).all(|pair| pair[0].end <= pair[1].start));
            for at in 0..80 {
                let inside = |s: usize, e: usize| (s..e).contains(&at);
                let found = spans.iter().any(|&(s, e, _)| inside(s, e));
                prop_assert_eq!(out.iter().any(|hit| inside(hit.start, hit.end)), found);
            }
            let mut turned: Vec<_> = spans.clone();
            turned.reverse();
            prop_assert_eq!(resolved(&turned), out);
        }
    }
}
