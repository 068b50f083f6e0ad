//! A cluster has the digits that belong together: groups of digits, joined by a few separators.
//!
//! All detectors of numbers share this reading of a text. Without it, each would split the digits on its own,
//! and take other characters for separators.

/// Apart from IPv4 addresses, a number begins with at least this many digits. A NIR has six digits in front
/// of its letter.
pub(super) const FEWEST_DIGITS: usize = 6;

/// `FEWEST_DIGITS` digits take at most this many bytes, with three separators between any two of them.
pub(super) const REACH: usize = FEWEST_DIGITS + 3 * (FEWEST_DIGITS - 1);

/// One cluster holds at most this many groups. Longer rows of groups are read as overlapping clusters.
pub(super) const MOST_GROUPS: usize = 16;

/// The longest number has this many groups. Because clusters overlap by as many groups, one of them has
/// the whole number.
pub(super) const LONGEST_NUMBER: usize = 8;

/// The first group of a number has at most this many digits. A card of 19 digits in one piece has as many.
pub(super) const LONGEST_FIRST_GROUP: usize = 19;

/// This stands for a parenthesis, or for a separator of several characters with a parenthesis.
pub(super) const PAREN: u8 = b'(';
/// This stands for the separators ` - ` and ` / `.
pub(super) const SPACED: u8 = b'~';
/// This stands for any other separator of several characters.
pub(super) const OTHER: u8 = b'*';

/// A `Group` is a row of digits with nothing between them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Group {
    /// The first digit is at this offset.
    pub(super) start: usize,
    /// The group has this many digits.
    pub(super) len: usize,
    /// This separator joins the group to the previous group. It is a character, [`PAREN`], [`SPACED`] or
    /// [`OTHER`]. 0 means that nothing joins them.
    sep: u8,
}

impl Group {
    pub(super) fn end(&self) -> usize {
        self.start + self.len
    }
}

/// A `Cluster` has neighbouring groups of digits.
pub(super) struct Cluster<'a> {
    pub(super) bytes: &'a [u8],
    groups: [Group; MOST_GROUPS],
    count: usize,
    /// All groups together have this many digits.
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

    /// Returns whether there may be more groups after the last one.
    pub(super) fn is_full(&self) -> bool {
        self.count == MOST_GROUPS
    }

    /// Returns whether this looks like a date: up to 8 digits in several groups with one plain separator.
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

    /// Returns the separator that joins group `i` to the previous group. 0 means that nothing joins them.
    pub(super) fn sep(&self, i: usize) -> u8 {
        self.groups().get(i).map_or(0, |group| group.sep)
    }

    /// Returns how many groups from the group `first` on are joined by one separator, which must be in
    /// `allowed`. Returns `None` if fewer than two groups are.
    pub(super) fn row(&self, first: usize, allowed: &[u8]) -> Option<usize> {
        let sep = self.sep(first + 1);
        if !allowed.contains(&sep) {
            return None;
        }
        let rest = self.groups()[first + 1..].iter().take_while(|group| group.sep == sep);
        Some(rest.count() + 1)
    }

    /// Returns whether groups of exactly these lengths are joined by `sep`, with nothing joined in front of
    /// them or behind them. Digits behind a point are a fraction.
    pub(super) fn is_row(&self, first: usize, lengths: &[usize], sep: u8) -> bool {
        let groups = &self.groups()[first..];
        groups.len() >= lengths.len()
            && groups.iter().zip(lengths).all(|(group, len)| group.len == *len)
            && groups[1..lengths.len()].iter().all(|group| group.sep == sep)
            && !matches!(self.sep(first), b'.')
            && self.sep(first) != sep
            && self.sep(first + lengths.len()) != sep
            && !self.letter_follows(first + lengths.len() - 1)
    }

    /// Returns the values of the digits of `count` groups from the group `first` on. Returns `None` if they
    /// do not fit into the buffer.
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

    /// Returns whether an ASCII letter is directly behind group `i`.
    pub(super) fn letter_follows(&self, i: usize) -> bool {
        let behind = self.bytes.get(self.groups[i].end());
        behind.is_some_and(u8::is_ascii_alphabetic)
    }

    /// Returns whether a `+` is directly in front of group `i`.
    pub(super) fn plus_before(&self, i: usize) -> bool {
        self.byte_before(self.groups[i].start) == Some(b'+')
    }

    /// Returns the byte in front of the offset `at`.
    pub(super) fn byte_before(&self, at: usize) -> Option<u8> {
        at.checked_sub(1).map(|i| self.bytes[i])
    }
}

/// Returns the end of the cluster at the offset `start` if the cluster has fewer than `digits` digits and
/// fewer than three points.
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

/// Returns the length in bytes and the kind of the separator at the offset `at`, if it joins two groups.
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
