//! Digits that belong together: groups of digits, joined by a few separators.
//!
//! All detectors of numbers share this reading of a text. Without it, each would split the digits on its own,
//! and take other characters for separators.

/// The fewest digits with which a number begins, apart from an IPv4 address: a NIR has six in front
/// of its letter.
pub(super) const FEWEST_DIGITS: usize = 6;

/// The most bytes that `FEWEST_DIGITS` digits take, with three separators between any two of them.
pub(super) const REACH: usize = FEWEST_DIGITS + 3 * (FEWEST_DIGITS - 1);

/// How many groups one cluster holds. Longer rows of groups are read as overlapping clusters.
pub(super) const MOST_GROUPS: usize = 16;

/// How many groups the longest number has. Because clusters overlap by this much, each number is
/// whole in one of them.
pub(super) const LONGEST_NUMBER: usize = 8;

/// How many digits the longest first group of a number has. It is a card of 19 digits in one piece.
pub(super) const LONGEST_FIRST_GROUP: usize = 19;

/// A separator of several characters, one of which is a parenthesis.
pub(super) const PAREN: u8 = b'(';
/// A separator like ` - `.
pub(super) const SPACED: u8 = b'~';
/// Any other separator.
pub(super) const OTHER: u8 = b'*';

/// Digits with nothing between them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Group {
    /// The offset of the first digit.
    pub(super) start: usize,
    /// The number of digits.
    pub(super) len: usize,
    /// What joins the group to the previous one: the character, or one of the constants above. 0
    /// means that nothing joins them.
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
    /// The number of digits in all groups.
    pub(super) total: usize,
}

impl<'a> Cluster<'a> {
    /// Reads the groups from the digit at `start` on. `sep` is the separator in front of it.
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

    /// Whether there may be more groups after the last one.
    pub(super) fn is_full(&self) -> bool {
        self.count == MOST_GROUPS
    }

    /// Whether this looks like a date: up to 8 digits in several groups with one plain separator.
    /// No identification number is written like that, except for the beginning of a Corsican NIR.
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

    /// What joins group `i` to the previous one. 0 means that nothing joins them.
    pub(super) fn sep(&self, i: usize) -> u8 {
        self.groups().get(i).map_or(0, |group| group.sep)
    }

    /// How many groups from `first` on are joined by one separator, which must be in `allowed`.
    /// `None` if there are not at least two.
    pub(super) fn row(&self, first: usize, allowed: &[u8]) -> Option<usize> {
        let sep = self.sep(first + 1);
        if !allowed.contains(&sep) {
            return None;
        }
        let rest = self.groups()[first + 1..].iter().take_while(|group| group.sep == sep);
        Some(rest.count() + 1)
    }

    /// Whether groups of exactly these lengths are joined by `sep`, with nothing joined in front of
    /// them or behind them.
    pub(super) fn is_row(&self, first: usize, lengths: &[usize], sep: u8) -> bool {
        let groups = &self.groups()[first..];
        groups.len() >= lengths.len()
            && groups.iter().zip(lengths).all(|(group, len)| group.len == *len)
            && groups[1..lengths.len()].iter().all(|group| group.sep == sep)
            && self.sep(first) != sep
            && self.sep(first + lengths.len()) != sep
            && !self.letter_follows(first + lengths.len() - 1)
    }

    /// The digits of `count` groups as values. `None` if they do not fit into the buffer.
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

    /// Whether an ASCII letter is directly behind group `i`.
    pub(super) fn letter_follows(&self, i: usize) -> bool {
        let behind = self.bytes.get(self.groups[i].end());
        behind.is_some_and(u8::is_ascii_alphabetic)
    }

    /// Whether a `+` is directly in front of group `i`.
    pub(super) fn plus_before(&self, i: usize) -> bool {
        self.byte_before(self.groups[i].start) == Some(b'+')
    }

    /// The byte in front of the offset `at`.
    pub(super) fn byte_before(&self, at: usize) -> Option<u8> {
        at.checked_sub(1).map(|i| self.bytes[i])
    }
}

/// The end of the cluster at `start`, if it has fewer than `digits` digits and fewer than three
/// points.
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

/// The separator at the offset `at`, if it joins two groups: its length and its kind.
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
