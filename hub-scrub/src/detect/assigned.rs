//! This module finds the values that a text gives to names of secrets.
//!
//! Without it, `password=hunter2` would pass in logs, connection strings, queries, headers and JSON within a
//! string: such a value has no form of its own.

use super::declaration::{Declaration, Search, Trigger};
use super::evidence::Evidence;
use super::key_kinds::KeyKind;
use super::kinds::BuiltIn;
use super::text_match::Match;
use super::work::Work;

/// Declares [`BuiltIn::AssignedSecret`].
pub(super) const ASSIGNED_SECRET: Declaration = Declaration {
    kind: BuiltIn::AssignedSecret,
    name: "assigned_secret",
    words: &[],
    keys: &[],
    others: &[],
    trigger: Trigger::Assignment,
    possible_integers: &[],
    likely_integers: &[],
    searches: &[Search::Sign(b'=', may_follow, search), Search::Sign(b':', may_follow, search)],
    check: None,
    examples: &[
        "Server=db;User Id=app;Password=hunter2;",
        "https://host.example/?token=hunter2&page=2",
        "https://host.example/file?expires=60&sig=hunter2",
        r#"{"user":"ann","password":"hunter2"}"#,
        r#"{\"password\": \"hunter2\"}"#,
        "Authorization: Basic YW5uOmh1bnRlcjI=",
        "curl -u ann:hunter2 https://host.example",
    ],
};

/// A name is read up to this many bytes in front of its sign.
const LONGEST_NAME: usize = 64;
/// A value is read up to this many bytes. What follows in a longer value stays.
const LONGEST_VALUE: usize = 4096;
/// The quote that ends a value stands within this many bytes of the one that begins it.
const LONGEST_QUOTED: usize = 256;

fn may_follow(b: u8) -> bool {
    !matches!(b, b'/' | b'\n' | b'\r')
}

/// Returns whether the name of a secret may end in front of the sign at the offset `at` of a message. The text
/// of the message may begin anywhere in front of it.
#[inline]
pub(super) fn may_be_at(message: &[u8], at: usize) -> bool {
    let name = &message[at.saturating_sub(LONGEST_NAME)..at];
    may_end_name(name) && KeyKind::may_be_named_by(name)
        || message[at] == b':' && is_user_option(name)
        || message[at] == b'=' && is_signature(name)
}

/// Returns whether a text does not end with two digits, as times and other numbers do.
#[inline]
fn may_end_name(before: &[u8]) -> bool {
    !matches!(before, [.., a, b] if a.is_ascii_digit() && b.is_ascii_digit())
}

/// Finds the secret behind the sign at the offset `at`. The next search begins behind it.
fn search(text: &str, at: usize, from: usize, work: &mut Work) -> (Option<Match>, usize) {
    let found = find(text.as_bytes(), at, work);
    (found, found.map_or(from, |one| one.end))
}

fn find(bytes: &[u8], at: usize, work: &mut Work) -> Option<Match> {
    work.add(8);
    let before = &bytes[at.saturating_sub(LONGEST_NAME)..at];
    let colon = bytes[at] == b':';
    if before.ends_with(b":") {
        return None;
    }
    if colon && is_user_option(before) && is_web_client(&bytes[..at], work) {
        let start = at + 1;
        let end = start + value_len(&bytes[start..], is_end_of_argument, work);
        return found(bytes, start, end, Evidence::WORD);
    }
    if !colon && is_signature(before) {
        let start = at + 1;
        let end = start + value_len(&bytes[start..], is_end_of_value, work);
        return found(bytes, start, end, Evidence::WORD);
    }
    if !may_end_name(before) || !KeyKind::may_be_named_by(before) {
        return None;
    }
    let name = last_name(before);
    work.add(4 * name.len() + NAME_READS);
    if is_placeholder(name) || !KeyKind::names_secret(name) {
        return None;
    }
    // In `arn:…:secret:name`, the colons divide the parts of an identifier. The name of a cookie is no header.
    let part = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    let word = name.iter().rev().take_while(part).count();
    let divided = colon && name[..name.len() - word].ends_with(b":");
    if divided || !colon && is_header_name(name) {
        return None;
    }
    let spaced_name = name.ends_with(b" ");
    let mut start = at + 1;
    match bytes.get(start)? {
        // A `::` is a path in a program, and `==` compares.
        b':' => return None,
        b'=' if !colon => return None,
        b'=' | b'>' => start += 1,
        _ => {}
    }
    let gap = bytes[start..].iter().take(4).take_while(|b| matches!(b, b' ' | b'\t')).count();
    start += gap;
    // A `=` that only a space follows ends base64.
    if gap > 0 && !colon && !spaced_name {
        return None;
    }
    let spaced = gap > 0;
    let quote = opening_quote(&bytes[start..]);
    if let Some(end) = quoted_end(bytes, start, quote, work) {
        let start = start + quote.len();
        let (start, end) = without_scheme(bytes, start, end);
        return found(bytes, start, end, Evidence::WORD);
    }
    let is_header = colon && is_header_name(name);
    let stop = match is_header {
        true if is_alone_in_line(before) => is_end_of_line,
        true => is_end_of_quoted_line,
        false => is_end_of_value,
    };
    let end = start + value_len(&bytes[start..], stop, work);
    let (start, end) = if is_header { without_scheme(bytes, start, end) } else { (start, end) };
    let value = bytes.get(start..end)?;
    // JSON would be broken by text in place of a number.
    let name_is_quoted = name.last().is_some_and(|b| matches!(b, b'"' | b'\''));
    let doubtful =
        name_is_quoted || value.contains(&b'(') || spaced && !is_header && is_word(value);
    found(bytes, start, end, if doubtful { Evidence::SHAPE } else { Evidence::WORD })
}

/// To look up the last words of a name costs this many reads.
const NAME_READS: usize = 120;

/// Returns the part of the text in front of a sign that may be a name: what follows the last sign that divides
/// names.
fn last_name(before: &[u8]) -> &[u8] {
    let divides = |b: &u8| matches!(b, b'\n' | b';' | b',' | b'&' | b'?' | b'{' | b'(' | b'=');
    let start = before.iter().rposition(divides).map_or(0, |at| at + 1);
    &before[start..]
}

/// Returns whether a text ends with the option of a program and a user's name, as in `-u ann`.
fn is_user_option(before: &[u8]) -> bool {
    let name = before.iter().rev().take_while(|b| b.is_ascii_graphic() && **b != b':').count();
    let rest = &before[..before.len() - name];
    name > 0 && (rest.ends_with(b"-u ") || rest.ends_with(b"--user "))
}

/// Returns whether a text goes on from a command line with a program that takes `USER:PASSWORD` as an option. Others,
/// such as `docker run -u 1000:1000`, mean a group with it.
fn is_web_client(before: &[u8], work: &mut Work) -> bool {
    const PROGRAMS: [&[u8]; 3] = [b"curl", b"wget", b"http"];
    let line = last_line(&before[before.len().saturating_sub(LONGEST_COMMAND)..]);
    work.add(2 * line.len());
    let mut words = line.split(|b| !b.is_ascii_alphanumeric());
    words.any(|word| PROGRAMS.contains(&word))
}

/// Returns what stands behind the last end of a line.
fn last_line(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|b| matches!(b, b'\n' | b'\r'));
    &text[end.map_or(0, |at| at + 1)..]
}

/// The name of a program stands within this many bytes in front of its option.
const LONGEST_COMMAND: usize = 512;

/// Returns whether a name is what a rule has put in place of a find, as `[secret]`. A bracket with a name in front of
/// it is a part of the name, as in `user[password]`.
fn is_placeholder(name: &[u8]) -> bool {
    let opening = match name.last() {
        Some(b']') => b'[',
        Some(b'>') => b'<',
        _ => return false,
    };
    let at = name.iter().rposition(|b| *b == opening);
    !at.is_some_and(|at| at > 0 && (name[at - 1].is_ascii_alphanumeric() || name[at - 1] == b']'))
}

/// Returns whether a text ends with a parameter of a query that signs a URL. Whoever has the URL gets what is behind
/// it.
fn is_signature(before: &[u8]) -> bool {
    let name = before.iter().rev().take_while(|b| b.is_ascii_alphanumeric() || **b == b'-').count();
    let (rest, name) = before.split_at(before.len() - name);
    matches!(rest.last(), Some(b'?' | b'&'))
        && [&b"sig"[..], b"signature", b"x-amz-signature", b"x-goog-signature"]
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
}

/// Returns whether a name is that of a header whose value reaches to the end of its line.
fn is_header_name(name: &[u8]) -> bool {
    let ends = |word: &[u8]| {
        let start = name.len().checked_sub(word.len());
        start.is_some_and(|start| name[start..].eq_ignore_ascii_case(word))
    };
    ends(b"authorization") || ends(b"cookie")
}

/// Returns the quote with which a value begins, with the backslash in front of it in JSON within a string.
fn opening_quote(rest: &[u8]) -> &[u8] {
    match rest {
        [b'"' | b'\'' | b'`', ..] => &rest[..1],
        [b'\\', b'"' | b'\'', ..] => &rest[..2],
        _ => &[],
    }
}

/// Returns the offset of the quote that ends the value whose quote begins at the offset `start`.
fn quoted_end(bytes: &[u8], start: usize, quote: &[u8], work: &mut Work) -> Option<usize> {
    if quote.is_empty() {
        return None;
    }
    let from = start + quote.len();
    let rest = &bytes[from..bytes.len().min(from + LONGEST_QUOTED)];
    let mut at = 0;
    let end = loop {
        let rest = &rest[at..];
        if rest.is_empty() {
            break None;
        }
        if rest.starts_with(quote) {
            break Some(from + at);
        }
        // What a backslash escapes does not end the value.
        at += if quote.len() == 1 && rest[0] == b'\\' { 2.min(rest.len()) } else { 1 };
    };
    work.add(2 * at);
    end
}

/// Returns how many bytes belong to a value without quotes.
fn value_len(rest: &[u8], is_end: fn(u8) -> bool, work: &mut Work) -> usize {
    let len = rest.iter().take(LONGEST_VALUE).take_while(|b| !is_end(**b)).count();
    work.add(2 * len);
    len
}

fn is_end_of_value(b: u8) -> bool {
    b.is_ascii_whitespace()
        || matches!(
            b,
            b'&' | b';' | b',' | b'"' | b'\'' | b'`' | b')' | b'}' | b']' | b'<' | b'|' | b'\\'
        )
}

fn is_end_of_argument(b: u8) -> bool {
    b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'`')
}

fn is_end_of_line(b: u8) -> bool {
    matches!(b, b'\n' | b'\r' | b'\\')
}

fn is_end_of_quoted_line(b: u8) -> bool {
    is_end_of_line(b) || matches!(b, b'"' | b'\'')
}

/// Returns whether a header is not within quotes, as far as its line shows. Quotes in its value do not end it then.
fn is_alone_in_line(before: &[u8]) -> bool {
    let line = last_line(before);
    line.len() < LONGEST_NAME && !line.iter().any(|b| matches!(b, b'"' | b'\'' | b'`' | b'\\'))
}

/// Leaves the scheme of an `Authorization` in front of its secret (IANA's registry of authentication schemes).
fn without_scheme(bytes: &[u8], start: usize, end: usize) -> (usize, usize) {
    const SCHEMES: [&[u8]; 12] = [
        b"basic",
        b"bearer",
        b"digest",
        b"token",
        b"negotiate",
        b"ntlm",
        b"apikey",
        b"oauth",
        b"dpop",
        b"hawk",
        b"vapid",
        b"aws4-hmac-sha256",
    ];
    let value = &bytes[start..end];
    let Some(space) = value.iter().position(|b| *b == b' ') else { return (start, end) };
    let scheme = SCHEMES.iter().find(|scheme| value[..space].eq_ignore_ascii_case(scheme));
    let Some(scheme) = scheme else { return (start, end) };
    let secret = start + space + value[space..].iter().take_while(|b| **b == b' ').count();
    // The secret of these schemes is one word, and text of a sentence may follow it.
    let one_word = matches!(*scheme, b"basic" | b"bearer" | b"token" | b"apikey");
    let word = bytes[secret..end].iter().take_while(|b| !is_end_of_value(**b)).count();
    (secret, if one_word { secret + word } else { end })
}

/// Returns whether a value may be a word of a sentence: `token: expired`.
fn is_word(value: &[u8]) -> bool {
    let value = value.strip_suffix(b".").unwrap_or(value);
    let rest = value.get(1..).unwrap_or_default();
    value.iter().all(|b| b.is_ascii_alphabetic() || matches!(b, b'.' | b'_' | b'-'))
        && rest.iter().all(|b| !b.is_ascii_uppercase())
}

/// Returns the match of a value, unless it is a placeholder or no secret.
fn found(bytes: &[u8], start: usize, end: usize, evidence: Evidence) -> Option<Match> {
    let value = bytes.get(start..end)?;
    let last = value.last()?;
    let placeholder = match value[0] {
        b'[' | b'{' | b'<' => true,
        b'$' => matches!(value.get(1), Some(b'{' | b'(')) || value[1..].iter().all(is_constant),
        b'%' => value.len() < 3 || *last == b'%',
        b'*' | b'.' => value.iter().all(|b| matches!(b, b'*' | b'.')),
        _ => false,
    };
    const WORDS: [&[u8]; 10] = [
        b"null",
        b"none",
        b"nil",
        b"true",
        b"false",
        b"undefined",
        b"redacted",
        b"required",
        b"optional",
        b"-",
    ];
    let word = WORDS.iter().any(|word| value.eq_ignore_ascii_case(word));
    (!placeholder && !word).then_some(Match { start, end, evidence })
}

fn is_constant(b: &u8) -> bool {
    b.is_ascii_uppercase() || *b == b'_'
}
