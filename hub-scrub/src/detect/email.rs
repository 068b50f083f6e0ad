//! This module finds e-mail addresses.
//!
//! Without it, e-mail addresses would pass.

use super::declaration::{Declaration, Search, Trigger};
use super::kinds::BuiltIn;
use super::text_match::Match;
use super::work::Work;

/// Declares [`BuiltIn::Email`].
pub(super) const EMAIL: Declaration = Declaration {
    kind: BuiltIn::Email,
    name: "email",
    words: &[],
    trigger: Trigger::At,
    ambiguous_integers: &[],
    certain_integers: &[],
    searches: &[Search::Sign(b'@', |b| b.is_ascii_alphanumeric() || !b.is_ascii(), search)],
    check: None,
    examples: &["to: <ann.lee+x@mail.example>"],
};

/// A local part has at most this many bytes (RFC 5321, 4.5.3.1.1).
const LONGEST_LOCAL: usize = 64;
/// A domain has at most this many bytes (RFC 5321, 4.5.3.1.2).
const LONGEST_DOMAIN: usize = 255;

/// Finds the address around the `@` at the offset `at`. The next search begins behind the address.
fn search(text: &str, at: usize, from: usize, work: &mut Work) -> (Option<Match>, usize) {
    let found = find(text, at, from, work);
    (found, found.map_or(from, |one| one.end))
}

/// Finds the address around the `@` at the offset `at`. It may not begin before the offset `from`.
fn find(text: &str, at: usize, from: usize, work: &mut Work) -> Option<Match> {
    work.add(16);
    let start = local_start(text, at, from, work)?;
    let end = domain_end(text, at + 1, work)?;
    Some(Match { start, end, certain: true })
}

/// Returns whether a letter may be part of an address (RFC 6531). This holds for scripts that write spaces
/// between words. In other scripts nothing shows where an address begins, so their letters end it.
fn is_letter(c: char) -> bool {
    c.is_ascii_alphanumeric() || (!c.is_ascii() && c < '\u{2e80}' && c.is_alphanumeric())
}

/// A character of an address costs this many reads, because it may be any letter of Unicode.
const LETTER_READS: usize = 16;

fn local_start(text: &str, at: usize, from: usize, work: &mut Work) -> Option<usize> {
    let from = text.floor_char_boundary(from.max(at.saturating_sub(LONGEST_LOCAL + 4)));
    let mut start = None;
    let mut dot = true;
    for (i, c) in text[from..at].char_indices().rev() {
        work.add(LETTER_READS);
        if c == '.' {
            if dot {
                break;
            }
            dot = true;
        } else if is_letter(c) || "_%+-'&~!#$*^".contains(c) {
            dot = false;
            // A quote or a dash in front of an address belongs to the text around it.
            if is_letter(c) || matches!(c, '_' | '+') {
                start = Some(from + i);
            }
        } else {
            break;
        }
    }
    start.filter(|start| at - start <= LONGEST_LOCAL)
}

fn domain_end(text: &str, from: usize, work: &mut Work) -> Option<usize> {
    let to = text.floor_char_boundary(text.len().min(from + LONGEST_DOMAIN + 4));
    let mut end = None;
    let mut label = from;
    let mut first = true;
    let rest = &text[from..to];
    let after = rest.char_indices().filter(|&(_, c)| !is_letter(c) && c != '-');
    for (i, c) in after.chain([(rest.len(), ' ')]) {
        let (label_text, behind) = (&text[label..from + i], from + i);
        work.add(LETTER_READS * (label_text.len() + 1));
        if !is_label(label_text) {
            // A hyphen or a point behind the address belongs to the sentence.
            let trimmed = label_text.trim_end_matches('-');
            if !first && is_label(trimmed) && is_top(trimmed) {
                end = Some(label + trimmed.len());
            }
            break;
        }
        if !first && is_top(label_text) {
            end = Some(behind);
        }
        if c != '.' {
            break;
        }
        (label, first) = (behind + 1, false);
    }
    end.filter(|end| end - from <= LONGEST_DOMAIN && !is_scaled_image(&text[from..*end]))
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
}

fn is_top(label: &str) -> bool {
    let letters =
        label.chars().count() > 1 && !label.bytes().any(|b| matches!(b, b'0'..=b'9' | b'-'));
    let punycode = |head: &[u8]| label.len() > 4 && head.eq_ignore_ascii_case(b"xn--");
    letters || label.as_bytes().get(..4).is_some_and(punycode)
}

/// Returns whether a domain is really the name of an image, such as `logo@2x.png`.
fn is_scaled_image(domain: &str) -> bool {
    let [scale, b'x', b'.', kind @ ..] = domain.as_bytes() else { return false };
    scale.is_ascii_digit() && matches!(kind, b"png" | b"jpg" | b"jpeg" | b"gif" | b"webp" | b"svg")
}
