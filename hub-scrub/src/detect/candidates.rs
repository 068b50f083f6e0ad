//! Candidates are the bytes of a message at which detectors could find anything. One scan over the whole
//! message finds them before any value is searched.
//!
//! The scan may find too many candidates, but never too few. A text without a candidate is never searched,
//! so a secret in it would leave the hub.

use super::block::{BLOCK, Masks, masks};
use super::prefilter::Around;
use super::scan_kinds::ScanKinds;
use super::work::Work;
use std::ops::Range;

/// The work is compared with its limit after this many blocks, because that costs time, too.
const CHECKED: usize = 64;

/// `Candidates` has the bytes of a message at which a detector could find anything.
#[derive(Debug, Default)]
pub struct Candidates {
    /// Each byte of the message has one bit.
    bits: Vec<u64>,
    /// Each block has its masks, with an empty block in front of the first and one behind the last.
    masks: Vec<Masks>,
    /// If this is true, every byte is a candidate.
    everywhere: bool,
    /// This work found the candidates.
    pub(super) work: Work,
}

impl Candidates {
    /// Returns whether a text has to be searched. `text` is its range of bytes in the message.
    #[inline]
    pub fn any(&self, text: Range<usize>) -> bool {
        if self.everywhere || text.is_empty() {
            return self.everywhere;
        }
        let (first, last) = (text.start / 64, (text.end - 1) / 64);
        let from = u64::MAX << (text.start % 64);
        let to = u64::MAX >> (63 - (text.end - 1) % 64);
        match self.bits.get(first..=last) {
            Some([one]) => one & from & to != 0,
            Some([head, middle @ .., tail]) => {
                head & from != 0 || tail & to != 0 || middle.iter().any(|bits| *bits != 0)
            }
            // The range is not within the message, so nothing is known about it.
            _ => true,
        }
    }

    /// Makes every byte a candidate, so that every text is searched.
    pub(crate) fn everywhere(&mut self) {
        self.everywhere = true;
    }

    /// Forgets the candidates. The next ones may cost this many reads.
    pub(crate) fn clear(&mut self, limit: u64) {
        self.bits.clear();
        self.everywhere = false;
        self.work = Work::up_to(limit);
    }

    /// Returns how many reads it took to find the candidates.
    pub(crate) fn reads(&self) -> u64 {
        self.work.done
    }

    pub(super) fn set(&mut self, at: usize) {
        if let Some(bits) = self.bits.get_mut(at / 64) {
            *bits |= 1 << (at % 64);
        }
    }

    /// Returns the offset of the first candidate from the offset `from` on, or `usize::MAX` if there is none.
    #[inline]
    pub(crate) fn next(&self, from: usize) -> usize {
        let word = from / 64;
        let Some(bits) = self.bits.get(word).filter(|_| !self.everywhere) else { return from };
        let bits = bits >> (from % 64);
        if bits != 0 {
            return from + bits.trailing_zeros() as usize;
        }
        let behind = self.bits[word + 1..].iter().position(|bits| *bits != 0);
        behind.map_or(usize::MAX, |words| {
            let word = word + 1 + words;
            word * 64 + self.bits[word].trailing_zeros() as usize
        })
    }

    /// Collects the candidates of built-in detectors, in any text inside `message`. Returns `false` if that
    /// takes more work than is allowed. Then there are more.
    pub(super) fn collect(&mut self, message: &[u8], kinds: &ScanKinds) -> bool {
        let (blocks, rest) = message.as_chunks::<BLOCK>();
        let count = blocks.len() + 1;
        // The masks of the previous message are overwritten, so their memory is reused.
        self.masks.resize(self.masks.len().max(count + 2), Masks::default());
        for (block, masks_of) in blocks.iter().zip(&mut self.masks[1..]) {
            masks(kinds.level, block, masks_of);
        }
        let mut last = [0; BLOCK];
        last[..rest.len()].copy_from_slice(rest);
        masks(kinds.level, &last, &mut self.masks[count]);
        self.masks[count + 1] = Masks::default();
        // The masks of a block cost about as much as to read a third of it.
        let mut work = self.work;
        work.add(count * BLOCK / 3);
        let masks = &self.masks[..count + 2];
        for first in (0..count).step_by(CHECKED) {
            let windows = masks[first..count.min(first + CHECKED) + 2].array_windows();
            self.bits.extend(windows.enumerate().map(|(n, [before, here, next])| {
                let at = (first + n) * BLOCK;
                kinds.candidates(&Around { message, at, before, here, next }, &mut work)
            }));
            if work.is_over() {
                break;
            }
        }
        self.work = work;
        !work.is_over()
    }
}

#[cfg(test)]
mod tests {
    use super::Candidates;
    use proptest::prelude::*;

    proptest! {
        /// The next candidate is before the end of a text exactly if the text has one.
        #[test]
        fn the_next_mark_is_the_first_in_what_follows(
            marked in prop::collection::btree_set(0_usize..400, 0..6),
            (start, len) in (0_usize..399).prop_flat_map(|start| (Just(start), 1..400 - start)),
        ) {
            let mut candidates = Candidates { bits: vec![0; 7], ..Candidates::default() };
            marked.iter().for_each(|at| candidates.set(*at));
            let expected = marked.range(start..).next().copied().unwrap_or(usize::MAX);
            prop_assert_eq!(candidates.next(start), expected);
            prop_assert_eq!(candidates.any(start..start + len), expected < start + len);
        }
    }

    #[test]
    fn where_nothing_was_looked_at_everything_is_marked() {
        let mut candidates = Candidates { bits: vec![0; 2], ..Candidates::default() };
        assert_eq!(candidates.next(128), 128);
        candidates.everywhere();
        assert_eq!(candidates.next(5), 5);
    }
}
