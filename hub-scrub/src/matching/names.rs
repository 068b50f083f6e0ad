//! A quick look at a key: most are none that a rule names, and need no hash.

use std::cmp::Ordering;
use std::collections::BTreeMap;

/// A set of names, told apart by their first two letters, the last one and their length: it may hold
/// more than was put in.
#[derive(Debug, Clone, Default)]
pub(crate) struct NameFilter {
    /// For each first and last letter, a bit for each length.
    lengths: [[u32; 32]; 32],
    /// For each first letter, a bit for each second one.
    seconds: [u32; 32],
}

impl NameFilter {
    /// Whether a name could be in the set, without regard to case and to `_`, `-` and blanks.
    #[inline]
    pub(crate) fn may_have(&self, name: &[u8]) -> bool {
        let (&[first, second, ..], &[.., last]) = (name, name) else {
            return self.may_have_other(name);
        };
        if !first.is_ascii_alphabetic() || !last.is_ascii_alphabetic() {
            return self.may_have_other(name);
        }
        // It has as many letters at most as bytes.
        let most = u32::MAX >> (31 - name.len().min(31));
        let row = usize::from(first & 31);
        let lengths = self.lengths[row][usize::from(last & 31)] & most;
        lengths != 0
            && (self.seconds[row] >> (second & 31) & 1 == 1 || !is_part(&second))
            && self.may_have_other(name)
    }

    #[inline(never)]
    fn may_have_other(&self, name: &[u8]) -> bool {
        // Only what is left out: that it is one is for the exact look to say.
        let Some((first, last)) = ends(name) else { return true };
        self.lengths[first][last] & length(name) != 0
    }
}

/// Whether it counts where key names are compared.
fn is_part(byte: &u8) -> bool {
    !matches!(byte, b'_' | b'-' | b' ')
}

/// The first and the last letter, without case.
fn ends(name: &[u8]) -> Option<(usize, usize)> {
    let first = name.iter().find(|byte| is_part(byte))?;
    let last = name.iter().rfind(|byte| is_part(byte))?;
    Some((usize::from(first & 31), usize::from(last & 31)))
}

/// The bit for a name's length; all long names share one.
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
        /// However a name is written, the filter lets it through.
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
