//! This module finds secrets without a known format, which are long runs of characters that look random.
//!
//! Without it, a secret would pass if its issuer gave it no format.

use super::declaration::{Declaration, Search, Trigger};
use super::jwt;
use super::kinds::BuiltIn;
use super::text_match::Match;
use super::work::Work;
use std::sync::LazyLock;

/// Declares [`BuiltIn::HighEntropy`].
pub(super) const HIGH_ENTROPY: Declaration = Declaration {
    kind: BuiltIn::HighEntropy,
    name: "high_entropy",
    words: &[
        "secret",
        "token",
        "password",
        "passwd",
        "apikey",
        "api_key",
        "api-key",
        "api key",
        "private",
        "credential",
        "auth",
        "key",
    ],
    trigger: Trigger::HexRun,
    ambiguous_integers: &[],
    certain_integers: &[],
    searches: &[Search::Run(search)],
    check: None,
    examples: &["api_key = \"q9Zx7Lm2Vb8Kt4Rw6Yp1Nc3Jd5Hf0Gs\""],
};

/// A secret has at least this many characters.
const SHORTEST: usize = 20;
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
    if let Some(one) = find(bytes, start, end, work) {
        found(one, work);
    }
}

/// Returns the run of token characters `start..end` as a match, if it looks random.
///
/// A match is certain if it has letters of both cases and digits, and at least 85 % of the entropy
/// that as many random characters could have. The header of a JWT does not count, because it is
/// public. A match is ambiguous if it is 32 or more hexadecimal digits, which may be a digest.
fn find(bytes: &[u8], start: usize, end: usize, work: &mut Work) -> Option<Match> {
    let end = end + bytes[end..].iter().take(2).take_while(|b| **b == b'=').count();
    let token = &bytes[start..end];
    if !(SHORTEST..=LONGEST).contains(&token.len()) {
        return None;
    }
    work.add(8 * token.len());
    let digits = token.iter().filter(|b| b.is_ascii_digit()).count();
    if digits < 2 || digits == token.len() {
        return None;
    }
    let lower = token.iter().filter(|b| b.is_ascii_lowercase()).count();
    let upper = token.iter().filter(|b| b.is_ascii_uppercase()).count();
    if lower > 2 && upper > 2 {
        if bytes.get(end) != Some(&b'.') && token.starts_with(b"ey") {
            work.add(jwt::HEADER_READS + 2 * token.len());
            if jwt::is_header(token) {
                return None;
            }
        }
        work.add(ENTROPY_READS);
        let most = (token.len().min(64) as f64).log2();
        let random = !is_words(token) && entropy(token) >= 0.85 * most;
        return random.then_some(Match { start, end, certain: true });
    }
    let digest = token.len() >= 32 && token.iter().all(u8::is_ascii_hexdigit);
    work.add(if digest { ENTROPY_READS } else { 0 });
    (digest && entropy(token) >= 3.0).then_some(Match { start, end, certain: false })
}

/// Returns whether a run looks like a name of several words, such as `someLong-Name_of/2Things`. Such names
/// seldom change their class of characters, and random characters do so about every second time.
fn is_words(token: &[u8]) -> bool {
    let class = |b: u8| match b {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    let changes = token.windows(2).filter(|pair| class(pair[0]) != class(pair[1])).count();
    changes * 3 < token.len()
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
