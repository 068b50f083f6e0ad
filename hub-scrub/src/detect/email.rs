//! This module finds e-mail addresses.
//!
//! Without it, e-mail addresses would pass.

use super::declaration::{Declaration, Search, Trigger};
use super::evidence::Evidence;
use super::kinds::BuiltIn;
use super::text_match::Match;
use super::work::Work;

/// Declares [`BuiltIn::Email`].
pub(super) const EMAIL: Declaration = Declaration {
    kind: BuiltIn::Email,
    name: "email",
    words: &["mail", "e-mail", "email", "mails", "emails", "mailto", "courriel", "correo"],
    keys: &[
        "email",
        "e mail",
        "mail",
        "email address",
        "mail address",
        "to",
        "from",
        "cc",
        "bcc",
        "reply to",
        "sender",
        "recipient",
        "login",
        "user",
        "username",
        "author",
        "committer",
    ],
    others: &[
        "message id",
        "in reply to",
        "references",
        "content id",
        "resent message id",
        "original message id",
    ],
    trigger: Trigger::At,
    possible_integers: &[],
    likely_integers: &[],
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
    let (end, top) = domain_end(text, at + 1, work)?;
    // In `git@host.example:team/project`, the name is that of a service, and a path follows.
    let rest = &text[end..text.floor_char_boundary(text.len().min(end + LONGEST_LOCAL))];
    let word = rest.split(|c: char| c.is_whitespace() || c == '"').next().unwrap_or_default();
    work.add(word.len());
    if word.starts_with(':') && word.contains('/') {
        return None;
    }
    let in_url = text[..start].ends_with("://");
    // The id of a message has such a name in front of its host.
    let name = &text.as_bytes()[start..at];
    let is_id = name.len() > 35 && name.iter().filter(|b| b.is_ascii_digit()).count() > 5;
    let evidence =
        if top == Top::Inside || in_url || is_id { Evidence::SHAPE } else { Evidence::FORM };
    Some(Match { start, end, evidence })
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

/// Returns the end of the domain that begins at the offset `from`, and what its last label is.
fn domain_end(text: &str, from: usize, work: &mut Work) -> Option<(usize, Top)> {
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
            if !first && is_label(trimmed) {
                end = top(trimmed).map(|top| (label + trimmed.len(), top)).or(end);
            }
            break;
        }
        if !first {
            work.add(TOP_READS);
            end = top(label_text).map(|top| (behind, top)).or(end);
        }
        if c != '.' {
            break;
        }
        (label, first) = (behind + 1, false);
    }
    end.filter(|(end, _)| end - from <= LONGEST_DOMAIN && !is_version(&text[from..*end]))
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
}

/// To look up a top-level domain costs this many reads.
const TOP_READS: usize = 40;

/// A `Top` is what the last label of a domain says about the domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Top {
    /// The label is a top-level domain, or one that is reserved for examples and tests (RFC 2606).
    Public,
    /// The label is used for machines inside of a network.
    Inside,
}

/// Returns what a last label says, or `None` if there is no such domain, as in `left-pad@1.3.0.tgz`.
fn top(label: &str) -> Option<Top> {
    const RESERVED: [&str; 3] = ["example", "test", "invalid"];
    const INSIDE: [&str; 7] =
        ["local", "localdomain", "internal", "intranet", "lan", "corp", "home"];
    let is_one_of = |list: &[&str]| list.iter().any(|one| one.eq_ignore_ascii_case(label));
    if !label.is_ascii() {
        // A domain in another script than Latin.
        return label.chars().all(char::is_alphabetic).then_some(Top::Public);
    }
    let mut lower = [0; 63];
    let lower = &mut lower[..label.len()];
    lower.copy_from_slice(label.as_bytes());
    lower.make_ascii_lowercase();
    if str::from_utf8(lower).is_ok_and(tld::exist) || is_one_of(&RESERVED) {
        return Some(Top::Public);
    }
    is_one_of(&INSIDE).then_some(Top::Inside)
}

/// Returns whether a domain is really a version or a size with the name of a file, such as `2.0.1.zip` and
/// `8.stream`. One label of digits alone is usual in China, as in `126.com`.
fn is_version(domain: &str) -> bool {
    let Some((labels, top)) = domain.rsplit_once('.') else { return false };
    let usual = !labels.contains('.') && ["com", "cn", "net"].contains(&top);
    !usual && labels.split('.').all(|label| label.bytes().all(|b| b.is_ascii_digit()))
}
