//! A format of secrets is a prefix, and then parts of some alphabet and length. This module describes formats,
//! and compares a text with one of them.
//!
//! Without it, each issuer would need a search of its own over every text.

use super::alphabet::Alphabet;
use super::evidence::Evidence;
use super::secret_rows::Rows;
use super::text_match::Match;
use super::work::Work;

/// A secret of a `SecretFormat` has one of the prefixes, and then the parts, one behind the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct SecretFormat {
    /// The issuer of the secrets has this name in `docs/tokens.md`.
    #[cfg_attr(not(test), expect(dead_code, reason = "only the documentation has it"))]
    pub(super) issuer: &'static str,
    /// The secret has this many characters of this alphabet in front of the prefix.
    pub(super) before: Option<(Alphabet, usize, usize)>,
    pub(super) prefixes: &'static [&'static str],
    /// Something that is not in the alphabet of a part stands behind it, so that it is clear where the part ends.
    pub(super) parts: &'static [Part],
    /// If this is true, the parts together have a digit, a capital and a small letter. Random characters nearly
    /// always do, and the names in programs, which may begin with the same few letters, seldom do.
    pub(super) mixed: bool,
}

/// A `Part` is a piece of a secret behind its prefix.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    /// The part has at least and at most this many characters of the alphabet.
    Of(Alphabet, usize, usize),
    /// The part is this text.
    Text(&'static str),
    /// The part is a UUID with hyphens (RFC 9562), in lower case or upper case.
    Uuid,
}

/// Declares a format without any conditions besides its prefixes and its parts.
pub(super) const fn form(
    issuer: &'static str,
    prefixes: &'static [&'static str],
    parts: &'static [Part],
) -> SecretFormat {
    SecretFormat { issuer, before: None, prefixes, parts, mixed: false }
}

/// Declares a part of a fixed length.
pub(super) const fn exactly(len: usize, alphabet: Alphabet) -> Part {
    Part::Of(alphabet, len, len)
}

/// Declares a part with at least and at most this many characters.
pub(super) const fn between(min: usize, max: usize, alphabet: Alphabet) -> Part {
    Part::Of(alphabet, min, max)
}

impl SecretFormat {
    /// Requires a digit, a capital and a small letter in the parts.
    pub(super) const fn mixed(self) -> SecretFormat {
        SecretFormat { mixed: true, ..self }
    }

    /// Requires at least and at most this many characters of an alphabet in front of the prefix.
    pub(super) const fn behind(self, min: usize, max: usize, alphabet: Alphabet) -> SecretFormat {
        SecretFormat { before: Some((alphabet, min, max)), ..self }
    }

    /// Returns the secret whose prefix stands in the text at `start..from`, if there is one.
    pub(super) fn at(
        &self,
        rows: &mut Rows<'_>,
        start: usize,
        from: usize,
        work: &mut Work,
    ) -> Option<Match> {
        let bytes = rows.bytes;
        let start = match self.before {
            None => start,
            Some((alphabet, min, max)) => {
                work.add(max);
                let may_be = bytes[start.saturating_sub(max)..start].iter().rev();
                let len = may_be.take_while(|b| alphabet.has(**b)).count();
                let glued = bytes[..start - len].last().is_some_and(|b| b.is_ascii_alphanumeric());
                if len < min || glued {
                    return None;
                }
                start - len
            }
        };
        let mut end = from;
        for (n, part) in self.parts.iter().enumerate() {
            end = match *part {
                // Many prefixes may stand in front of one row, so the row is read once for all of them.
                Part::Of(alphabet, min, max) if n == 0 => {
                    let to = rows.end(alphabet, end, work).min(end + max + 1);
                    // A point at the end belongs to the sentence.
                    let points = alphabet == Alphabet::Dotted && self.parts.len() == 1;
                    let to = if points { rows.start_of_points(to, work).max(end) } else { to };
                    (min..=max).contains(&(to - end)).then_some(to)?
                }
                Part::Of(alphabet, min, max) => {
                    let row = bytes[end..].iter().take(max + 1);
                    let len = row.take_while(|b| alphabet.has(**b)).count();
                    work.add(2 * len);
                    (min..=max).contains(&len).then_some(end + len)?
                }
                Part::Text(text) => {
                    work.add(text.len());
                    bytes[end..].starts_with(text.as_bytes()).then_some(end + text.len())?
                }
                Part::Uuid => {
                    work.add(UUID);
                    is_uuid(bytes.get(end..end + UUID)?).then_some(end + UUID)?
                }
            };
        }
        let glued = bytes.get(end).is_some_and(u8::is_ascii_alphanumeric);
        if glued || self.mixed && !is_mixed(&bytes[from..end], work) {
            return None;
        }
        Some(Match { start, end, evidence: Evidence::PREFIX })
    }
}

/// A UUID has this many characters.
const UUID: usize = 36;

fn is_uuid(text: &[u8]) -> bool {
    text.iter().enumerate().all(|(i, b)| match i {
        8 | 13 | 18 | 23 => *b == b'-',
        _ => b.is_ascii_hexdigit(),
    })
}

fn is_mixed(text: &[u8], work: &mut Work) -> bool {
    work.add(text.len());
    let has = |class: fn(&u8) -> bool| text.iter().any(class);
    has(u8::is_ascii_digit) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase)
}
