//! A quick look at a key: most are none that a rule names, and need no hash.

use std::cmp::Ordering;
use std::collections::BTreeMap;

/// What is left out where key names are compared.
const LEFT_OUT: &[u8] = b"_- ";

/// A set of names, told apart by their first and last letter and their length: it may hold more than
/// was put in.
#[derive(Debug, Clone, Default)]
pub(crate) struct NameFilter {
    /// For each first and last letter, a bit for each length.
    lengths: [[u32; 32]; 32],
}

impl NameFilter {
    /// Whether a name could be in the set, without regard to case and to `_`, `-` and blanks.
    #[inline]
    pub(crate) fn may_have(&self, name: &[u8]) -> bool {
        // Only what is left out: that it is one is for the exact look to say.
        let Some((first, last)) = ends(name) else { return true };
        let lengths = self.lengths[first][last];
        lengths != 0 && lengths & length(name) != 0
    }
}

fn is_part(byte: &&u8) -> bool {
    !LEFT_OUT.contains(*byte)
}

/// The first and the last letter, without case.
#[inline]
fn ends(name: &[u8]) -> Option<(usize, usize)> {
    let (first, last) = (name.iter().find(is_part)?, name.iter().rfind(is_part)?);
    Some((usize::from(first & 31), usize::from(last & 31)))
}

/// The bit for a name's length; all long names share one.
#[inline]
fn length(name: &[u8]) -> u32 {
    1 << name.iter().filter(is_part).count().min(31)
}

impl<'a> FromIterator<&'a [u8]> for NameFilter {
    fn from_iter<I: IntoIterator<Item = &'a [u8]>>(names: I) -> NameFilter {
        let mut filter = NameFilter::default();
        for name in names {
            if let Some((first, last)) = ends(name) {
                filter.lengths[first][last] |= length(name);
            }
        }
        filter
    }
}

/// Names, each with something: mostly asked for names that it does not have.
#[derive(Debug, Clone)]
pub(crate) struct Names<T> {
    filter: NameFilter,
    /// By length, and in order.
    entries: Vec<(Box<[u8]>, T)>,
}

impl<T> Default for Names<T> {
    fn default() -> Self {
        Names { filter: NameFilter::default(), entries: Vec::new() }
    }
}

impl<T: Copy> Names<T> {
    /// Whether `name` could be there, without regard to case and to `_`, `-` and blanks.
    #[inline]
    pub(crate) fn may_have(&self, name: &[u8]) -> bool {
        self.filter.may_have(name)
    }

    /// What belongs to exactly this name.
    pub(crate) fn get(&self, name: &[u8]) -> Option<T> {
        let at = self.entries.binary_search_by(|(have, _)| by_length(have, name)).ok()?;
        Some(self.entries[at].1)
    }
}

/// Of a name that comes several times, the last counts.
impl<T> FromIterator<(Box<[u8]>, T)> for Names<T> {
    fn from_iter<I: IntoIterator<Item = (Box<[u8]>, T)>>(names: I) -> Names<T> {
        let sorted: BTreeMap<Box<[u8]>, T> = names.into_iter().collect();
        let filter = sorted.keys().map(|name| &**name).collect();
        let mut entries: Vec<_> = sorted.into_iter().collect();
        entries.sort_by(|(a, _), (b, _)| by_length(a, b));
        Names { filter, entries }
    }
}

/// Most names differ in length, which is compared at once.
fn by_length(a: &[u8], b: &[u8]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::{NameFilter, Names};

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
        for name in ["cardNumber", "CARD_NUMBER", "_card number-", "x", "X_", "\u{e9}", "", "--"] {
            assert!(filter.may_have(name.as_bytes()), "{name}");
        }
        for name in ["card", "number", "cardnumbers", "cardnumberr", "cr", "y"] {
            assert!(!filter.may_have(name.as_bytes()), "{name}");
        }
    }
}
