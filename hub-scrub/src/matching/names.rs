//! This module sees quickly that no rule names a key, which holds for most keys.
//!
//! Without it, every key of every message would cost a look-up.

use std::cmp::Ordering;
use std::collections::BTreeMap;

/// A `NameFilter` is a set of names that keeps only their first two letters, their last letter and their
/// length. So it may seem to contain more names than were added, but never fewer.
#[derive(Debug, Clone, Default)]
pub(crate) struct NameFilter {
    /// The first index is the first letter, the second index the last letter, and a bit is a length.
    lengths: [[u32; 32]; 32],
    /// The index is the first letter, and a bit is a second letter.
    seconds: [u32; 32],
}

impl NameFilter {
    /// Returns whether a name could be in the set. Case, `_`, `-` and blanks do not matter.
    #[inline]
    pub(crate) fn may_have(&self, name: &[u8]) -> bool {
        let (&[first, second, ..], &[.., last]) = (name, name) else {
            return self.may_have_other(name);
        };
        if !first.is_ascii_alphabetic() || !last.is_ascii_alphabetic() {
            return self.may_have_other(name);
        }
        // The name has at most as many letters as bytes.
        let most = u32::MAX >> (31 - name.len().min(31));
        let row = usize::from(first & 31);
        let lengths = self.lengths[row][usize::from(last & 31)] & most;
        lengths != 0
            && (self.seconds[row] >> (second & 31) & 1 == 1 || !is_part(&second))
            && self.may_have_other(name)
    }

    #[inline(never)]
    fn may_have_other(&self, name: &[u8]) -> bool {
        // An empty name has no letters by which it could be ruled out.
        let Some((first, last)) = ends(name) else { return true };
        self.lengths[first][last] & length(name) != 0
    }
}

/// Returns whether a byte counts where names of keys are compared.
fn is_part(byte: &u8) -> bool {
    !matches!(byte, b'_' | b'-' | b' ')
}

/// Returns the numbers of the first and the last letter, regardless of case.
fn ends(name: &[u8]) -> Option<(usize, usize)> {
    let first = name.iter().find(|byte| is_part(byte))?;
    let last = name.iter().rfind(|byte| is_part(byte))?;
    Some((usize::from(first & 31), usize::from(last & 31)))
}

/// Returns the bit for the length of a name. All names of 31 and more bytes share one bit.
fn length(name: &[u8]) -> u32 {
    1 << name.iter().filter(|byte| is_part(byte)).count().min(31)
}

impl<'a> FromIterator<&'a [u8]> for NameFilter {
    fn from_iter<I: IntoIterator<Item = &'a [u8]>>(names: I) -> NameFilter {
        let mut filter = NameFilter::default();
        for name in names {
            if let Some((first, last)) = ends(name) {
                filter.lengths[first][last] |= length(name);
                if let Some(second) = name.iter().filter(|byte| is_part(byte)).nth(1) {
                    filter.seconds[first] |= 1 << (second & 31);
                }
            }
        }
        filter
    }
}

/// `Names` is a table of names with one value each. It is fast for names that it does not contain, because
/// most keys of messages are not in it.
#[derive(Debug, Clone)]
pub(crate) struct Names<T> {
    filter: NameFilter,
    /// The entries are sorted by length, and then by name.
    entries: Vec<(Box<[u8]>, T)>,
}

impl<T> Default for Names<T> {
    fn default() -> Self {
        Names { filter: NameFilter::default(), entries: Vec::new() }
    }
}

impl<T: Copy> Names<T> {
    /// Returns whether `name` could be an entry. Case, `_`, `-` and blanks do not matter.
    #[inline]
    pub(crate) fn may_have(&self, name: &[u8]) -> bool {
        self.filter.may_have(name)
    }

    /// Returns the value of exactly this name.
    pub(crate) fn get(&self, name: &[u8]) -> Option<T> {
        let at = self.entries.binary_search_by(|(have, _)| by_length(have, name)).ok()?;
        Some(self.entries[at].1)
    }
}

/// Collects names with their values. If a name occurs several times, its last value counts.
impl<T> FromIterator<(Box<[u8]>, T)> for Names<T> {
    fn from_iter<I: IntoIterator<Item = (Box<[u8]>, T)>>(names: I) -> Names<T> {
        let sorted: BTreeMap<Box<[u8]>, T> = names.into_iter().collect();
        let filter = sorted.keys().map(|name| &**name).collect();
        let mut entries: Vec<_> = sorted.into_iter().collect();
        entries.sort_by(|(a, _), (b, _)| by_length(a, b));
        Names { filter, entries }
    }
}

/// Orders names by length first, because most names differ in length.
fn by_length(a: &[u8], b: &[u8]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::{NameFilter, Names, is_part};
    use proptest::prelude::*;

    #[test]
    fn exactly_what_was_put_in_is_there() {
        let all = ["a", "ab", "abc", "b", "", "e\u{301}", "zz"];
        let entries = all.iter().enumerate().map(|(n, name)| (name.as_bytes().into(), n));
        let names: Names<usize> = entries.rev().collect();
        for (n, name) in all.iter().enumerate() {
            assert!(names.may_have(name.as_bytes()));
            assert_eq!(names.get(name.as_bytes()), Some(n), "{name:?}");
        }
        assert_eq!([&b"A"[..], b"aa", b"abcd", b"z"].map(|name| names.get(name)), [None; 4]);
    }

    #[test]
    fn what_was_put_in_may_be_there_in_every_form() {
        let filter: NameFilter = [&b"cardnumber"[..], b"_x-", b"\xc3\xa9"].into_iter().collect();
        for name in [
            "cardNumber",
            "CARD_NUMBER",
            "_card number-",
            "c-ardnumbe r",
            "x",
            "X_",
            "\u{e9}",
            "",
            "--",
        ] {
            assert!(filter.may_have(name.as_bytes()), "{name}");
        }
        for name in ["card", "number", "cardnumbers", "cardnumberr", "cr", "y", "cordnumber"] {
            assert!(!filter.may_have(name.as_bytes()), "{name}");
        }
    }

    proptest! {
        /// The filter finds a name in each of its spellings.
        #[test]
        fn no_name_is_lost(
            name in "[a-cA-C_ é1-]{0,5}",
            others in prop::collection::vec("[a-c_-]{0,4}", 0..4),
            marks in prop::collection::vec("[_ -]{0,2}", 6),
            upper in any::<[bool; 6]>(),
        ) {
            let names = others.iter().chain([&name]).map(|name| name.as_bytes());
            let filter: NameFilter = names.collect();
            let mut written = marks[0].clone().into_bytes();
            for (n, byte) in name.bytes().filter(is_part).enumerate() {
                let upper = upper.get(n).copied().unwrap_or_default();
                written.push(if upper { byte.to_ascii_uppercase() } else { byte });
                written.extend(marks.get(n + 1).into_iter().flat_map(|mark| mark.bytes()));
            }
            prop_assert!(filter.may_have(&written), "{:?}", String::from_utf8_lossy(&written));
        }
    }
}
