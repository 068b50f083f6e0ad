//! This module finds JSON Web Tokens.
//!
//! Without it, a token that authenticates somebody would pass.

use super::alphabet::Alphabet;
use super::declaration::{Declaration, Search, Trigger};
use super::evidence::Evidence;
use super::kinds::BuiltIn;
use super::text_match::Match;
use super::work::Work;

/// Declares [`BuiltIn::Jwt`].
pub(super) const JWT: Declaration = Declaration {
    kind: BuiltIn::Jwt,
    name: "jwt",
    words: &[],
    keys: &[],
    others: &[],
    trigger: Trigger::Run,
    possible_integers: &[],
    likely_integers: &[],
    searches: &[Search::Run(find)],
    check: None,
    examples: &[
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    ],
};

/// Finds the JSON Web Tokens at the start of a run, and behind each `/` or `+` in the run.
fn find(
    bytes: &[u8],
    start: usize,
    end: usize,
    work: &mut Work,
    found: &mut dyn FnMut(Match, &mut Work),
) {
    work.add(end - start);
    let mut at = start;
    while !work.is_over() {
        work.add(4);
        if let Some(one) = token_at(bytes, at, work) {
            found(one, work);
        }
        match bytes[at..end].iter().position(|b| matches!(b, b'/' | b'+')) {
            Some(next) => at += next + 1,
            None => return,
        }
    }
}

/// Finds the JSON Web Token that begins at the offset `start` (RFC 7519, in the compact form of RFC 7515 and
/// RFC 7516).
fn token_at(bytes: &[u8], start: usize, work: &mut Work) -> Option<Match> {
    // The header is a JSON object, so it begins with `{"`. With a space behind the brace, its
    // base64url begins with `eyAi`.
    if !bytes[start..].starts_with(b"eyJ") && !bytes[start..].starts_with(b"eyA") {
        return None;
    }
    let part = |from: usize| bytes[from..].iter().take_while(|b| Alphabet::Url.has(**b)).count();
    let header = part(start);
    let mut end = start + header;
    let mut parts = 1;
    let mut payload = 0;
    while parts < 5 && bytes.get(end) == Some(&b'.') {
        let len = part(end + 1);
        if len == 0 && parts != 2 && parts != 1 {
            break;
        }
        payload += len;
        end += 1 + len;
        parts += 1;
    }
    // Each part is read for at most five tokens, because a token has at most five parts.
    work.add(2 * (end - start));
    if parts < 3 || payload < 8 {
        return None;
    }
    work.add(HEADER_READS + 2 * header.min(LONGEST_HEADER));
    if !names_algorithm(&bytes[start..start + header]) {
        return None;
    }
    Some(Match { start, end, evidence: Evidence::OWN_FORM })
}

/// Returns whether `text` is a whole JWT header and nothing else. A header states how a token is signed,
/// and is no secret without the other parts.
pub(super) fn is_header(text: &[u8]) -> bool {
    text.starts_with(b"ey") && {
        let mut json = [0; LONGEST_HEADER];
        let json = decode(text, &mut json);
        let printable = json.iter().all(|b| matches!(b, b' '..=b'~'));
        printable && json.ends_with(b"}") && has_algorithm(json)
    }
}

/// At most this many bytes of a decoded header are searched.
const LONGEST_HEADER: usize = 1024;
/// To look into a header costs this many reads, besides those of its bytes.
pub(super) const HEADER_READS: usize = 160;

/// Returns whether the header has the key `alg`, which every header must have (RFC 7515, 4.1.1).
fn names_algorithm(header: &[u8]) -> bool {
    let mut json = [0; LONGEST_HEADER];
    has_algorithm(decode(header, &mut json))
}

fn has_algorithm(json: &[u8]) -> bool {
    memchr::memmem::find(json, b"\"alg\"").is_some()
}

/// Decodes as much of a base64url text as the buffer holds.
fn decode<'j>(header: &[u8], json: &'j mut [u8; LONGEST_HEADER]) -> &'j [u8] {
    let mut len = 0;
    for four in header[..header.len().min(LONGEST_HEADER)].chunks(4) {
        let bits = four.iter().fold(0_u32, |bits, &b| bits << 6 | sextet(b));
        let bits = bits << (6 * (4 - four.len()));
        let bytes = bits.to_be_bytes();
        let count = four.len().saturating_sub(1);
        json[len..len + count].copy_from_slice(&bytes[1..=count]);
        len += count;
    }
    &json[..len]
}

fn sextet(b: u8) -> u32 {
    u32::from(match b {
        b'A'..=b'Z' => b - b'A',
        b'a'..=b'z' => b - b'a' + 26,
        b'0'..=b'9' => b - b'0' + 52,
        b'-' => 62,
        _ => 63,
    })
}
