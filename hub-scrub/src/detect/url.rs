//! This module finds URLs with a name and a password.
//!
//! Without it, the password in the URL of a database would pass.

use super::declaration::{Declaration, Search, Trigger};
use super::evidence::Evidence;
use super::kinds::BuiltIn;
use super::text_match::Match;
use super::work::Work;

/// Declares [`BuiltIn::UrlCredentials`].
pub(super) const URL_CREDENTIALS: Declaration = Declaration {
    kind: BuiltIn::UrlCredentials,
    name: "url_credentials",
    words: &[],
    keys: &[],
    others: &[],
    trigger: Trigger::At,
    possible_integers: &[],
    likely_integers: &[],
    searches: &[Search::Sign(b':', |b| b == b'/', search)],
    check: None,
    examples: &["postgres://app:hunter2@db.example/app"],
};

/// A `name:password` of at most this many bytes is found.
const LONGEST: usize = 4096;

/// Finds the `name:password` behind the `://` whose colon is at the offset `at`.
fn search(text: &str, at: usize, from: usize, work: &mut Work) -> (Option<Match>, usize) {
    (find(text.as_bytes(), at, work), from)
}

/// Finds the `name:password` behind the `://` whose colon is at the offset `at`.
fn find(bytes: &[u8], at: usize, work: &mut Work) -> Option<Match> {
    let scheme = at.checked_sub(1).is_some_and(|i| bytes[i].is_ascii_alphanumeric());
    if !scheme || !bytes[at..].starts_with(b"://") {
        return None;
    }
    let start = at + 3;
    let rest = &bytes[start..bytes.len().min(start + LONGEST)];
    let stop =
        |b: &u8| b.is_ascii_whitespace() || matches!(b, b'/' | b'?' | b'#' | b'"' | b'<' | b'>');
    let authority = &rest[..rest.iter().position(stop).unwrap_or(rest.len())];
    // The next search begins behind the authority, so no byte is read for two searches.
    work.add(16 + 6 * authority.len());
    let end = authority.iter().rposition(|b| *b == b'@')?;
    let colon = authority[..end].iter().position(|b| *b == b':')?;
    let password = &authority[colon + 1..end];
    // Texts such as `${PASSWORD}`, `<password>` and `***` are placeholders and not passwords.
    let placeholder = matches!(password.first(), Some(b'$' | b'{' | b'%'))
        && password.contains(&b'{')
        || password.iter().all(|b| matches!(b, b'*' | b'x' | b'X'));
    (!password.is_empty() && !placeholder).then_some(Match {
        start,
        end: start + end,
        evidence: Evidence::OWN_FORM,
    })
}
