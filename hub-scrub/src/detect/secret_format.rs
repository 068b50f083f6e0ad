//! A format of secrets is a prefix, and then a number of characters of an alphabet. This module finds them.
//!
//! Without it, each issuer would need a search of its own over every text.

use super::kinds::BuiltIn;
use super::text_match::Match;
use super::work::Work;

/// A secret of a `SecretFormat` has one of the prefixes, and then `min` to `max` characters of the alphabet.
#[derive(Debug)]
pub(super) struct SecretFormat {
    pub(super) prefixes: &'static [&'static str],
    pub(super) alphabet: Alphabet,
    pub(super) min: usize,
    pub(super) max: usize,
}

/// An `Alphabet` has the characters of which a secret consists.
#[derive(Debug, Clone, Copy)]
pub(super) enum Alphabet {
    /// The alphabet is `0-9 A-Z`.
    Upper,
    /// The alphabet is `0-9 a-f`.
    Hex,
    /// The alphabet is `0-9 A-Z a-z`.
    Alphanumeric,
    /// The alphabet is `0-9 A-Z a-z _ -`.
    Url,
    /// The alphabet has the characters of `Url`, and `.`.
    Dotted,
}

/// There are this many alphabets.
const ALPHABETS: usize = Alphabet::Dotted as usize + 1;

impl Alphabet {
    pub(super) fn has(self, b: u8) -> bool {
        match self {
            Alphabet::Upper => b.is_ascii_uppercase() || b.is_ascii_digit(),
            Alphabet::Hex => matches!(b, b'0'..=b'9' | b'a'..=b'f'),
            Alphabet::Alphanumeric => b.is_ascii_alphanumeric(),
            Alphabet::Url => b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'),
            Alphabet::Dotted => Alphabet::Url.has(b) || b == b'.',
        }
    }
}

/// A secret begins at most this many bytes in front of a run. The prefixes are not longer.
const LONGEST_PREFIX: usize = 16;

/// A `Prefixed` is a format with one of its prefixes, and the built-in that declares it.
#[derive(Debug, Clone, Copy)]
struct Prefixed {
    kind: BuiltIn,
    prefix: &'static [u8],
    format: &'static SecretFormat,
}

/// The first characters of a prefix, up to this many, choose the formats that are compared with a text. With
/// fewer, text such as `gl-` over and over would be compared with all prefixes of one issuer at each place.
const PLACES: usize = 5;

/// `SecretFormats` has the formats of a set, by the first characters of their prefixes.
#[derive(Debug, Clone)]
pub(super) struct SecretFormats {
    all: Vec<Prefixed>,
    /// In the entry at a place and a character, bit `i` is set if the prefix of `all[i]` has that character at
    /// that place, or is shorter.
    by_place: Box<[[u64; 128]; PLACES]>,
}

impl Default for SecretFormats {
    fn default() -> Self {
        SecretFormats { all: Vec::new(), by_place: Box::new([[0; 128]; PLACES]) }
    }
}

impl SecretFormats {
    /// Adds the formats of a built-in. The list of declarations has at most 64 prefixes in all.
    pub(super) fn add(&mut self, kind: BuiltIn, formats: &'static [SecretFormat]) {
        for format in formats {
            for prefix in format.prefixes {
                let (bit, prefix) = (1 << self.all.len(), prefix.as_bytes());
                for (place, formats) in self.by_place.iter_mut().enumerate() {
                    match prefix.get(place) {
                        Some(b) => formats[usize::from(b & 127)] |= bit,
                        None => formats.iter_mut().for_each(|formats| *formats |= bit),
                    }
                }
                self.all.push(Prefixed { kind, prefix, format });
            }
        }
    }

    /// Returns whether there is any format.
    pub(super) fn any(&self) -> bool {
        !self.all.is_empty()
    }

    /// Reports the secrets that begin in the run of token characters `run.0..run.1`, or directly in
    /// front of the run.
    pub(super) fn find(
        &self,
        bytes: &[u8],
        run: (usize, usize),
        work: &mut Work,
        mut found: impl FnMut(BuiltIn, Match, &mut Work),
    ) {
        // A prefix with a point, such as `SG.`, begins in front of the run.
        let mut at = run.0;
        while run.0 - at < LONGEST_PREFIX && at > 0 && is_prefix_part(bytes[at - 1]) {
            at -= 1;
        }
        work.add(2 * (run.1 - at));
        let mut rows = Rows::new(bytes);
        while at < run.1 && !work.is_over() {
            // Every byte here is ASCII, so the mask only avoids a check of the bounds.
            let mut formats = self.by_place[0][usize::from(bytes[at] & 127)];
            if formats != 0 {
                if at > 0 && bytes[at - 1].is_ascii_alphanumeric() {
                    formats = 0;
                }
                formats = self.with_more_characters(formats, bytes, at, work);
            }
            let mut end = at + 1;
            while formats != 0 {
                let format = &self.all[formats.trailing_zeros() as usize];
                formats &= formats - 1;
                work.add(FORMAT_READS);
                if let Some(token) = format.at(&mut rows, at, work) {
                    found(format.kind, token, work);
                    end = token.end;
                    break;
                }
            }
            at = end;
        }
    }

    /// Returns those of the formats whose prefix agrees with the text in the characters behind the first one.
    fn with_more_characters(
        &self,
        mut formats: u64,
        bytes: &[u8],
        at: usize,
        work: &mut Work,
    ) -> u64 {
        work.add(4);
        for (b, by_character) in bytes[at..].iter().zip(&*self.by_place).skip(1) {
            if formats == 0 {
                break;
            }
            formats &= by_character[usize::from(b & 127)];
        }
        formats
    }
}

/// To compare a text with one format costs this many reads, besides those of the characters behind the prefix.
const FORMAT_READS: usize = 24;

fn is_prefix_part(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'.'
}

impl Prefixed {
    /// Returns the secret that begins at the offset `start`, if there is one.
    fn at(&self, rows: &mut Rows<'_>, start: usize, work: &mut Work) -> Option<Match> {
        let SecretFormat { alphabet, min, max, .. } = *self.format;
        if !rows.bytes[start..].starts_with(self.prefix) {
            return None;
        }
        let from = start + self.prefix.len();
        let to = rows.end(alphabet, from, work).min(from + max + 1);
        // A point at the end belongs to the sentence.
        let end = if alphabet.has(b'.') { rows.start_of_points(to, work).max(from) } else { to };
        let len = end - from;
        let glued = rows.bytes.get(end).is_some_and(u8::is_ascii_alphanumeric);
        let right = (min..=max).contains(&len) && !glued;
        right.then_some(Match { start, end, certain: true })
    }
}

/// `Rows` remembers where rows of characters in a text begin and end. Without it, a text of prefixes alone
/// would be read again behind each of them, up to the longest secret.
struct Rows<'a> {
    bytes: &'a [u8],
    /// The entry at an alphabet has the start and the end of the row that was read last.
    of_alphabet: [(usize, usize); ALPHABETS],
    /// The points that were read last begin and end at these offsets.
    points: (usize, usize),
}

impl<'a> Rows<'a> {
    fn new(bytes: &'a [u8]) -> Rows<'a> {
        Rows { bytes, of_alphabet: [(usize::MAX, 0); ALPHABETS], points: (usize::MAX, 0) }
    }

    /// Returns the end of the row of characters of the alphabet that begins at the offset `from`.
    fn end(&mut self, alphabet: Alphabet, from: usize, work: &mut Work) -> usize {
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
    fn start_of_points(&mut self, to: usize, work: &mut Work) -> usize {
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
    use super::{Alphabet, Rows};
    use crate::detect::work::Work;
    use proptest::prelude::*;

    const EACH: [Alphabet; super::ALPHABETS] =
        [Alphabet::Upper, Alphabet::Hex, Alphabet::Alphanumeric, Alphabet::Url, Alphabet::Dotted];

    proptest! {
        /// What is remembered of the rows is what reading them again would show, in whatever order they are
        /// asked for.
        #[test]
        fn remembered_rows_are_the_rows_of_the_text(
            text in "[.aA1_é]{0,40}",
            asked in prop::collection::vec((0_usize..48, 0_usize..EACH.len()), 0..30),
        ) {
            let bytes = text.as_bytes();
            let (mut rows, mut work) = (Rows::new(bytes), Work::default());
            for (at, alphabet) in asked {
                let (at, alphabet) = (at.min(bytes.len()), EACH[alphabet]);
                let row = bytes[at..].iter().take_while(|b| alphabet.has(**b)).count();
                prop_assert_eq!(rows.end(alphabet, at, &mut work), at + row);
                let points = bytes[..at].iter().rev().take_while(|b| **b == b'.').count();
                prop_assert_eq!(rows.start_of_points(at, &mut work), at - points);
            }
        }
    }
}
