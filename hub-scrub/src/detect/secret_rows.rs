//! This module remembers where rows of characters of an alphabet begin and end in a text.
//!
//! Without it, a text of prefixes alone would be read again behind each of them, up to the longest secret.

use super::alphabet::{ALPHABETS, Alphabet};
use super::work::Work;

/// `Rows` has the rows of characters that were read last, one for each alphabet.
pub(super) struct Rows<'a> {
    pub(super) bytes: &'a [u8],
    /// The entry at an alphabet has the start and the end of the row that was read last.
    of_alphabet: [(usize, usize); ALPHABETS],
    /// The points that were read last begin and end at these offsets.
    points: (usize, usize),
}

impl<'a> Rows<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Rows<'a> {
        Rows { bytes, of_alphabet: [(usize::MAX, 0); ALPHABETS], points: (usize::MAX, 0) }
    }

    /// Returns the end of the row of characters of the alphabet that begins at the offset `from`.
    pub(super) fn end(&mut self, alphabet: Alphabet, from: usize, work: &mut Work) -> usize {
        let row = &mut self.of_alphabet[alphabet as usize];
        if row.0 <= from && from <= row.1 {
            return row.1;
        }
        // A row that is known may begin behind `from`.
        let stop = if from < row.0 { row.0.min(self.bytes.len()) } else { self.bytes.len() };
        let len = self.bytes[from..stop].iter().take_while(|b| alphabet.has(**b)).count();
        work.add(2 * len);
        let end = if from + len == row.0 { row.1 } else { from + len };
        *row = (from, end);
        end
    }

    /// Returns the start of the points that end at the offset `to`, or `to` if none stands in front of it.
    pub(super) fn start_of_points(&mut self, to: usize, work: &mut Work) -> usize {
        let (start, end) = self.points;
        if start < to && to <= end {
            return start;
        }
        // The points that are known may be a part of these.
        let stop = if end < to { end } else { 0 };
        let points = self.bytes[stop..to].iter().rev().take_while(|b| **b == b'.').count();
        work.add(points);
        if points == 0 {
            return to;
        }
        let begin = if to - points == end && start < end { start } else { to - points };
        self.points = (begin, to);
        begin
    }
}

#[cfg(test)]
mod tests {
    use super::Rows;
    use crate::detect::alphabet::{ALPHABETS, Alphabet};
    use crate::detect::work::Work;
    use proptest::prelude::*;

    proptest! {
        /// What is remembered of the rows is what reading them again would show, in whatever order they are
        /// asked for.
        #[test]
        fn remembered_rows_are_the_rows_of_the_text(
            text in "[.aAxG1_+=é]{0,40}",
            asked in prop::collection::vec((0_usize..48, 0_usize..ALPHABETS), 0..30),
        ) {
            let bytes = text.as_bytes();
            let (mut rows, mut work) = (Rows::new(bytes), Work::default());
            for (at, alphabet) in asked {
                let (at, alphabet) = (at.min(bytes.len()), Alphabet::ALL[alphabet]);
                let row = bytes[at..].iter().take_while(|b| alphabet.has(**b)).count();
                prop_assert_eq!(rows.end(alphabet, at, &mut work), at + row);
                let points = bytes[..at].iter().rev().take_while(|b| **b == b'.').count();
                prop_assert_eq!(rows.start_of_points(at, &mut work), at - points);
            }
        }
    }
}
