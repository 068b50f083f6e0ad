//! This module finds secrets without a known format, which are long runs of characters that look random.
//!
//! Without it, a secret would pass if its issuer gave it no format.

use super::declaration::{Declaration, Search, Trigger};
use super::evidence::Evidence;
use super::jwt;
use super::key_kinds::KeyKind;
use super::kinds::BuiltIn;
use super::text_match::Match;
use super::work::Work;
use std::sync::LazyLock;

/// Declares [`BuiltIn::HighEntropy`].
pub(super) const HIGH_ENTROPY: Declaration = Declaration {
    kind: BuiltIn::HighEntropy,
    name: "high_entropy",
    words: &[],
    keys: &[],
    others: &[],
    trigger: Trigger::HexRun,
    possible_integers: &[],
    likely_integers: &[],
    searches: &[Search::Run(search)],
    check: None,
    examples: &["api_key = \"q9Zx7Lm2Vb8Kt4Rw6Yp1Nc3Jd5Hf0Gs\""],
};

/// A secret has at least this many characters.
pub(super) const SHORTEST: usize = 20;
/// A secret has at most this many characters. A longer run is data.
const LONGEST: usize = 256;

/// Reports the run `start..end` if it looks random.
fn search(
    bytes: &[u8],
    start: usize,
    end: usize,
    work: &mut Work,
    found: &mut dyn FnMut(Match, &mut Work),
) {
    if let Some(one) = find(bytes, start, start, end, work) {
        found(one, work);
        return;
    }
    // A path has a `/` between its parts, and so has one character in 64 of base64, on average.
    let mut from = start;
    while let Some(len) = bytes[from..end].iter().position(|b| *b == b'/') {
        if len >= SHORTEST
            && let Some(one) = find(bytes, start, from, from + len, work)
        {
            found(one, work);
        }
        from += len + 1;
    }
    if from > start
        && let Some(one) = find(bytes, start, from, end, work)
    {
        found(one, work);
    }
}

/// Returns the run of token characters `start..end` as a match, if it looks random: it has letters and digits,
/// changes between them as random characters do, and has most of the entropy that as many random characters of
/// these classes have. 32 or more hexadecimal digits look random, too. The header of a JWT does not count,
/// because it is public.
///
/// Random text is an identifier more often than a secret, so a match is only possible.
///
/// The run, of which the match may be a part, begins at the offset `run`.
fn find(bytes: &[u8], run: usize, start: usize, end: usize, work: &mut Work) -> Option<Match> {
    let end = end + bytes[end..].iter().take(2).take_while(|b| **b == b'=').count();
    let token = &bytes[start..end];
    if !(SHORTEST..=LONGEST).contains(&token.len()) {
        return None;
    }
    work.add(8 * token.len());
    if is_path(token) {
        return None;
    }
    // Most runs that are looked at are UUIDs and other identifiers.
    if token.iter().all(is_plain) {
        let digest = token.len() >= 32 && !token.contains(&b'-');
        work.add(if digest { ENTROPY_READS } else { 0 });
        let random = digest && has_digit_and_letter(token) && entropy(token) >= 3.0;
        return random.then(|| judged(bytes, run, start, end, work));
    }
    let count = |is: fn(&u8) -> bool| token.iter().filter(|b| is(b)).count();
    let digits = count(u8::is_ascii_digit);
    if digits < 2 {
        return None;
    }
    let (lower, upper) = (count(u8::is_ascii_lowercase), count(u8::is_ascii_uppercase));
    if lower > 2 && upper > 2 && bytes.get(end) != Some(&b'.') && token.starts_with(b"ey") {
        work.add(jwt::HEADER_READS + 2 * token.len());
        if jwt::is_header(token) {
            return None;
        }
    }
    // Of both cases, a third of the characters differs in class from the one in front. Of one case, fewer do.
    let both = lower > 2 && upper > 2;
    let classes = 26 * (usize::from(lower > 0) + usize::from(upper > 0)) + 10;
    let mixed = both || digits > 3 && is_mixed(token, work);
    if !mixed || is_words(token, if both { 3 } else { 5 }) {
        return None;
    }
    work.add(ENTROPY_READS);
    let most = (token.len().min(classes) as f64).log2();
    let digest = token.len() >= 32 && token.iter().all(u8::is_ascii_hexdigit);
    let least = if digest { 3.0 } else { SHARE * most };
    (entropy(token) >= least).then(|| judged(bytes, run, start, end, work))
}

/// Returns the match of random text, with what speaks for it.
fn judged(bytes: &[u8], run: usize, start: usize, end: usize, work: &mut Work) -> Match {
    let evidence = if has_name(bytes, run, work) { Evidence::WORD } else { Evidence::SHAPE };
    Match { start, end, evidence }
}

/// Returns whether a byte is a digit, a small hexadecimal letter, or a hyphen, of which UUIDs consist.
fn is_plain(b: &u8) -> bool {
    matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'-')
}

fn has_digit_and_letter(token: &[u8]) -> bool {
    token.iter().any(u8::is_ascii_digit) && token.iter().any(u8::is_ascii_alphabetic)
}

/// The name of a secret stands at most this many bytes in front of the secret.
const FARTHEST_NAME: usize = 32;
/// A name, with the words in front of it, has at most this many bytes.
const LONGEST_NAME: usize = 48;
/// To compare the words that end at one place with the names of secrets costs this many reads.
const NAME_READS: usize = 60;

/// Returns whether one of the words in front of the offset `start` is the last word of a secret's name, as in
/// `the api key for production is …`. In `page_token` and `clear_api_key_cache` it is not, and a `$` between them
/// begins something else.
fn has_name(bytes: &[u8], start: usize, work: &mut Work) -> bool {
    let from = start.saturating_sub(FARTHEST_NAME);
    let part = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || !b.is_ascii();
    let from = bytes[from..start].iter().rposition(|b| *b == b'$').map_or(from, |at| from + at);
    (from..start).rev().any(|last| {
        let ends = part(bytes[last]) && !(last + 1 < start && part(bytes[last + 1]));
        work.add(1);
        ends && {
            work.add(NAME_READS);
            let before = &bytes[(last + 1).saturating_sub(LONGEST_NAME)..=last];
            !is_random(before) && (KeyKind::names_secret(before) || ends_with_scheme(before))
        }
    })
}

/// Returns whether a part of a text ends with random characters and not with a word: with more letters and digits in a
/// row than words have, or with three letters that only their capital divides from those in front.
fn is_random(before: &[u8]) -> bool {
    let part = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    let hump = match before {
        [.., a, b, c, d] => {
            a.is_ascii_alphanumeric()
                && b.is_ascii_uppercase()
                && c.is_ascii_lowercase()
                && d.is_ascii_lowercase()
        }
        _ => false,
    };
    hump || before.iter().rev().take_while(part).count() > 24
}

/// Returns whether a text ends with the scheme of an `Authorization`.
fn ends_with_scheme(before: &[u8]) -> bool {
    [&b"bearer"[..], b"apikey"].iter().any(|scheme| {
        let start = before.len().checked_sub(scheme.len());
        start.is_some_and(|start| before[start..].eq_ignore_ascii_case(scheme))
    })
}

/// Random text has at least this share of the entropy that is possible for its length and its characters. Of 20
/// to 256 random characters of 36 or more, fewer than one in a hundred texts have less.
const SHARE: f64 = 0.8;

/// Returns whether a run is several parts of a path and not base64: there is more than one `/` in 16 characters,
/// or the length is not one that base64 has.
fn is_path(token: &[u8]) -> bool {
    let slashes = token.iter().filter(|b| **b == b'/').count();
    slashes > 0 && (slashes * 16 > token.len() || !token.len().is_multiple_of(4))
}

/// Returns whether some characters in a row have both a digit and a character that is no hexadecimal digit. The
/// prefilter marks only such rows and digests, so that it passes over most identifiers and words.
fn is_mixed(token: &[u8], work: &mut Work) -> bool {
    token.windows(SHORTEST).any(|row| {
        work.add(2 * SHORTEST);
        row.iter().any(u8::is_ascii_digit) && !row.iter().all(is_plain)
    })
}

/// Returns whether a run looks like a name of several words, such as `someLong-Name_of/2Things`. Such names
/// seldom change their class of characters: in less than one place of `every`.
fn is_words(token: &[u8], every: usize) -> bool {
    let class = |b: u8| match b {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    let changes = token.windows(2).filter(|pair| class(pair[0]) != class(pair[1])).count();
    changes * every < token.len()
}

/// To compute the entropy of a token costs this many reads, besides those of its bytes.
const ENTROPY_READS: usize = 240;

/// The entry at a count is the count times its binary logarithm. A logarithm for each character of a token would
/// take longer than all other work on the token.
static COUNT_LOGS: LazyLock<[f64; LONGEST + 1]> = LazyLock::new(|| {
    std::array::from_fn(|count| if count == 0 { 0.0 } else { count as f64 * (count as f64).log2() })
});

/// Returns the Shannon entropy of the characters, in bits per character. All of them are ASCII, and there are at
/// most [`LONGEST`].
fn entropy(token: &[u8]) -> f64 {
    let mut counts = [0_u16; 128];
    for &b in token {
        counts[usize::from(b & 127)] += 1;
    }
    let len = token.len() as f64;
    let logs = &*COUNT_LOGS;
    let sum: f64 = counts.iter().map(|count| logs[usize::from(*count)]).sum();
    // The sum is rounded, and a token on the limit has to be found.
    len.log2() - sum / len + 1e-9
}
