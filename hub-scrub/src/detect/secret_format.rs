//! A format of secrets is a prefix, and then a number of characters of an alphabet. This module finds them.
//!
//! Without it, each issuer would need a search of its own over every text.

use super::kinds::BuiltIn;
use super::text_match::Match;

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

/// `SecretFormats` has the formats of a set, by the first character of their prefixes.
#[derive(Debug, Clone)]
pub(super) struct SecretFormats {
    all: Vec<Prefixed>,
    /// In the entry at a character, bit `i` is set if the prefix of `all[i]` begins with that character.
    by_first: Box<[u64; 128]>,
}

impl Default for SecretFormats {
    fn default() -> Self {
        SecretFormats { all: Vec::new(), by_first: Box::new([0; 128]) }
    }
}

impl SecretFormats {
    /// Adds the formats of a built-in. The list of declarations has at most 64 prefixes in all.
    pub(super) fn add(&mut self, kind: BuiltIn, formats: &'static [SecretFormat]) {
        for format in formats {
            for prefix in format.prefixes {
                let (bit, prefix) = (self.all.len(), prefix.as_bytes());
                self.by_first[usize::from(prefix[0] & 127)] |= 1 << bit;
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
        mut found: impl FnMut(BuiltIn, Match),
    ) {
        // A prefix with a point, such as `SG.`, begins in front of the run.
        let mut at = run.0;
        while run.0 - at < LONGEST_PREFIX && at > 0 && is_prefix_part(bytes[at - 1]) {
            at -= 1;
        }
        while at < run.1 {
            // Every byte here is ASCII, so the mask only avoids a check of the bounds.
            let mut formats = self.by_first[usize::from(bytes[at] & 127)];
            if formats != 0 && at > 0 && bytes[at - 1].is_ascii_alphanumeric() {
                formats = 0;
            }
            let mut end = at + 1;
            while formats != 0 {
                let format = &self.all[formats.trailing_zeros() as usize];
                formats &= formats - 1;
                if let Some(token) = format.at(bytes, at) {
                    found(format.kind, token);
                    end = token.end;
                    break;
                }
            }
            at = end;
        }
    }
}

fn is_prefix_part(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'.'
}

impl Prefixed {
    /// Returns the secret that begins at the offset `start`, if there is one.
    fn at(&self, bytes: &[u8], start: usize) -> Option<Match> {
        let SecretFormat { alphabet, min, max, .. } = *self.format;
        let rest = bytes[start..].strip_prefix(self.prefix)?;
        let len = rest.iter().take(max + 1).take_while(|b| alphabet.has(**b)).count();
        // A point at the end belongs to the sentence.
        let points = rest[..len].iter().rev().take_while(|b| **b == b'.').count();
        let len = len - points;
        let end = start + self.prefix.len() + len;
        let glued = bytes.get(end).is_some_and(u8::is_ascii_alphanumeric);
        let right = (min..=max).contains(&len) && !glued;
        right.then_some(Match { start, end, certain: true })
    }
}
