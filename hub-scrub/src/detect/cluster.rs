//! Digits that belong together: groups of digits, joined by a few separators.
//!
//! All detectors of numbers share one reading of a text. Without it each would split the digits anew,
//! and take another character for a separator.

/// Digits with which the shortest number begins, an IPv4 address apart: a NIR's before its letter.
pub(super) const FEWEST_DIGITS: usize = 6;

/// Bytes that `FEWEST_DIGITS` take at most, with three separators between any two.
pub(super) const REACH: usize = FEWEST_DIGITS + 3 * (FEWEST_DIGITS - 1);

/// Groups that one cluster holds. Longer rows of groups are seen as overlapping clusters.
pub(super) const MOST_GROUPS: usize = 16;

/// Groups that the longest number has, so each number is seen whole in some cluster.
pub(super) const LONGEST_NUMBER: usize = 8;

/// A separator of several characters among which is a parenthesis.
pub(super) const PAREN: u8 = b'(';
/// A separator like ` - `.
pub(super) const SPACED: u8 = b'~';
/// Any other separator.
pub(super) const OTHER: u8 = b'*';

/// Digits without anything between them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Group {
    /// Offset of the first digit.
    pub(super) start: usize,
    /// Digits.
    pub(super) len: usize,
    /// What joins it to the group before: the character, or one of the constants; 0: nothing.
    sep: u8,
}

impl Group {
    pub(super) fn end(&self) -> usize {
        self.start + self.len
    }
}

/// Neighbouring groups.
pub(super) struct Cluster<'a> {
    pub(super) bytes: &'a [u8],
    groups: [Group; MOST_GROUPS],
    count: usize,
    /// Digits in all groups.
    pub(super) total: usize,
}

impl<'a> Cluster<'a> {
    /// The groups from the digit at `start` on; `sep` joins it to what was before.
    pub(super) fn read(bytes: &'a [u8], start: usize, sep: u8) -> Cluster<'a> {
        let mut cluster = Cluster { bytes, groups: Default::default(), count: 0, total: 0 };
        let mut next = Group { start, len: 0, sep };
        loop {
            let digits = bytes[next.start..].iter().take_while(|b| b.is_ascii_digit());
            next.len = digits.count();
            cluster.groups[cluster.count] = next;
            cluster.count += 1;
            cluster.total += next.len;
            if cluster.count == MOST_GROUPS {
                return cluster;
            }
            match separator(bytes, next.end()) {
                Some((len, sep)) => next = Group { start: next.end() + len, len: 0, sep },
                None => return cluster,
            }
        }
    }

    pub(super) fn groups(&self) -> &[Group] {
        &self.groups[..self.count]
    }

    /// Whether there may be more groups behind the last one.
    pub(super) fn is_full(&self) -> bool {
        self.count == MOST_GROUPS
    }

    /// Whether it is a date or the like: up to 8 digits in several groups with one plain separator.
    /// No number is written so, but for the beginning of a Corsican NIR.
    pub(super) fn is_date_like(&self) -> bool {
        let sep = self.groups[1].sep;
        let behind = self.bytes.get(self.groups[self.count - 1].end());
        (2..MOST_GROUPS).contains(&self.count)
            && self.total < 9
            && matches!(sep, b'-' | b'/' | b' ' | SPACED)
            && self.groups()[1..].iter().all(|group| group.sep == sep)
            && !matches!(self.byte_before(self.groups[0].start), Some(b'+' | b'('))
            && !matches!(behind, Some(b'A' | b'B'))
    }

    /// What stands between group `i` and the one before; 0: nothing that joins them.
    pub(super) fn sep(&self, i: usize) -> u8 {
        self.groups().get(i).map_or(0, |group| group.sep)
    }

    /// How many groups from `first` on one and the same separator out of `allowed` joins: two or
    /// more.
    pub(super) fn row(&self, first: usize, allowed: &[u8]) -> Option<usize> {
        let sep = self.sep(first + 1);
        if !allowed.contains(&sep) {
            return None;
        }
        let rest = self.groups()[first + 1..].iter().take_while(|group| group.sep == sep);
        Some(rest.count() + 1)
    }

    /// Whether exactly groups of these lengths are joined by `sep`, nothing before and behind.
    pub(super) fn is_row(&self, first: usize, lengths: &[usize], sep: u8) -> bool {
        let groups = &self.groups()[first..];
        groups.len() >= lengths.len()
            && groups.iter().zip(lengths).all(|(group, len)| group.len == *len)
            && groups[1..lengths.len()].iter().all(|group| group.sep == sep)
            && self.sep(first) != sep
            && self.sep(first + lengths.len()) != sep
            && !self.letter_follows(first + lengths.len() - 1)
    }

    /// The digits of `count` groups as values; `None` if they do not fit.
    pub(super) fn digits<'b>(
        &self,
        first: usize,
        count: usize,
        out: &'b mut [u8],
    ) -> Option<&'b [u8]> {
        let mut len = 0;
        for group in self.groups.get(first..first + count)? {
            let to = out.get_mut(len..len + group.len)?;
            for (digit, b) in to.iter_mut().zip(&self.bytes[group.start..]) {
                *digit = b - b'0';
            }
            len += group.len;
        }
        Some(&out[..len])
    }

    /// Whether an ASCII letter stands directly behind group `i`.
    pub(super) fn letter_follows(&self, i: usize) -> bool {
        let behind = self.bytes.get(self.groups[i].end());
        behind.is_some_and(u8::is_ascii_alphabetic)
    }

    /// Whether a `+` stands directly before group `i`.
    pub(super) fn plus_before(&self, i: usize) -> bool {
        self.byte_before(self.groups[i].start) == Some(b'+')
    }

    /// The byte before `at`.
    pub(super) fn byte_before(&self, at: usize) -> Option<u8> {
        at.checked_sub(1).map(|i| self.bytes[i])
    }
}

/// The end of the cluster at `start`, if it has fewer than `digits` digits and no three points.
pub(super) fn end_of_few(bytes: &[u8], start: usize, digits: usize) -> Option<usize> {
    let (mut seen, mut points, mut end) = (0, 0, start);
    for (at, b) in bytes.iter().enumerate().skip(start).take(4 * digits) {
        match b {
            b'0'..=b'9' => {
                seen += 1;
                end = at + 1;
            }
            b'.' => points += 1,
            b' ' | b'-' | b'/' | b'(' | b')' if at < end + 3 => {}
            _ => return Some(end),
        }
        if seen == digits || points == 3 {
            return None;
        }
    }
    (start + 4 * digits >= bytes.len()).then_some(end)
}

/// What stands at `at` if it joins two groups: its length and kind.
fn separator(bytes: &[u8], at: usize) -> Option<(usize, u8)> {
    let is_digit = |i: usize| bytes.get(i).is_some_and(u8::is_ascii_digit);
    let joins = |b: u8| matches!(b, b' ' | b'-' | b'.' | b'/' | b'(' | b')');
    let first = *bytes.get(at).filter(|b| joins(**b))?;
    if is_digit(at + 1) {
        let kind = if matches!(first, b'(' | b')') { PAREN } else { first };
        return Some((1, kind));
    }
    let rest = bytes.get(at..at + 3).unwrap_or(&bytes[at..]);
    let len = rest.iter().take_while(|b| joins(**b)).count();
    if len < 2 || !is_digit(at + len) {
        return None;
    }
    let kind = match &rest[..len] {
        b" - " | b" / " => SPACED,
        some if some.contains(&b'(') || some.contains(&b')') => PAREN,
        _ => OTHER,
    };
    Some((len, kind))
}
