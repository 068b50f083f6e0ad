//! E-mail addresses.
//!
//! Without this module e-mail addresses would pass.

use super::declaration::{Declaration, Search, Trigger};
use super::kinds::BuiltIn;
use super::text_match::Match;

/// Declares [`BuiltIn::Email`].
pub(super) const EMAIL: Declaration = Declaration {
    kind: BuiltIn::Email,
    name: "email",
    words: &[],
    trigger: Trigger::At,
    ambiguous_integers: &[],
    certain_integers: &[],
    searches: &[Search::Sign(b'@', search)],
    check: None,
    examples: &["to: <ann.lee+x@mail.example>"],
};

/// Longest local part (RFC 5321, 4.5.3.1.1), in bytes.
const LONGEST_LOCAL: usize = 64;
/// Longest domain (RFC 5321, 4.5.3.1.2), in bytes.
const LONGEST_DOMAIN: usize = 255;

/// The address around the `@` at `at`. The next one begins behind it.
fn search(text: &str, at: usize, from: usize) -> (Option<Match>, usize) {
    let found = find(text, at, from);
    (found, found.map_or(from, |one| one.end))
}

/// The address around the `@` at `at`, beginning at `from` or later.
fn find(text: &str, at: usize, from: usize) -> Option<Match> {
    let start = local_start(text, at, from)?;
    let end = domain_end(text, at + 1)?;
    Some(Match { start, end, certain: true })
}

/// Letters of scripts that write spaces between words may stand in an address (RFC 6531). Of the
/// others nothing tells where the address begins, so they end it.
fn is_letter(c: char) -> bool {
    c.is_ascii_alphanumeric() || (!c.is_ascii() && c < '\u{2e80}' && c.is_alphanumeric())
}

fn local_start(text: &str, at: usize, from: usize) -> Option<usize> {
    let from = text.floor_char_boundary(from.max(at.saturating_sub(LONGEST_LOCAL + 4)));
    let mut start = None;
    let mut dot = true;
    for (i, c) in text[from..at].char_indices().rev() {
        if c == '.' {
            if dot {
                break;
            }
            dot = true;
        } else if is_letter(c) || "_%+-'&~!#$*^".contains(c) {
            dot = false;
            // What begins with a quote or a dash was quoted or listed.
            if is_letter(c) || matches!(c, '_' | '+') {
                start = Some(from + i);
            }
        } else {
            break;
        }
    }
    start.filter(|start| at - start <= LONGEST_LOCAL)
}

fn domain_end(text: &str, from: usize) -> Option<usize> {
    let to = text.floor_char_boundary(text.len().min(from + LONGEST_DOMAIN + 4));
    let mut end = None;
    let mut label = from;
    let mut first = true;
    let rest = &text[from..to];
    let after = rest.char_indices().filter(|&(_, c)| !is_letter(c) && c != '-');
    for (i, c) in after.chain([(rest.len(), ' ')]) {
        let (label_text, behind) = (&text[label..from + i], from + i);
        if !is_label(label_text) {
            // A hyphen or point behind the address belongs to the sentence.
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

/// `logo@2x.png` is a file.
fn is_scaled_image(domain: &str) -> bool {
    let [scale, b'x', b'.', kind @ ..] = domain.as_bytes() else { return false };
    scale.is_ascii_digit() && matches!(kind, b"png" | b"jpg" | b"jpeg" | b"gif" | b"webp" | b"svg")
}
