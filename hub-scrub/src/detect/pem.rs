//! This module finds private keys in PEM.
//!
//! Without it, private keys would pass.

use super::declaration::{Declaration, Search, Trigger};
use super::evidence::Evidence;
use super::kinds::BuiltIn;
use super::text_match::Match;
use super::work::Work;
use memchr::memmem;

/// Declares [`BuiltIn::PemPrivateKey`].
pub(super) const PEM_PRIVATE_KEY: Declaration = Declaration {
    kind: BuiltIn::PemPrivateKey,
    name: "pem_private_key",
    words: &[],
    keys: &[],
    others: &[],
    trigger: Trigger::Begin,
    possible_integers: &[],
    likely_integers: &[],
    searches: &[Search::Begin { begin: BEGIN, shortest: SHORTEST, search: find }],
    check: None,
    examples: &[concat!(
        "-----BEGIN ",
        "PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA\n-----END ",
        "PRIVATE KEY-----"
    )],
};

/// The armour around a key begins with this text.
pub(super) const BEGIN: &[u8] = b"-----BEGIN ";
/// A text of fewer bytes is not searched. The armour around a key of 32 bytes is longer.
const SHORTEST: usize = 64;
/// A label, such as `OPENSSH PRIVATE KEY`, has at most this many bytes.
const LONGEST_LABEL: usize = 40;

/// Finds the private key whose armour begins at the offset `start`. The hit ends with the armour. If the end
/// of the armour is missing, the hit ends with the text.
fn find(bytes: &[u8], start: usize, work: &mut Work) -> Option<Match> {
    work.add(64);
    let label_start = start + BEGIN.len();
    let rest = &bytes[label_start..];
    let label = rest[..rest.len().min(LONGEST_LABEL)].split(|b| *b == b'-').next()?;
    if !label.ends_with(b"PRIVATE KEY") && label != b"PGP PRIVATE KEY BLOCK" {
        return None;
    }
    if !rest[label.len()..].starts_with(b"-----") {
        return None;
    }
    let end = memmem::find(rest, b"-----END ").map_or(bytes.len(), |end| {
        let tail = end + b"-----END ".len() + label.len() + b"-----".len();
        // Where the end is cut short, other text follows, and a character of it must not be cut in half.
        let inside = |at: usize| rest.get(at).is_some_and(|b| (0x80..0xc0).contains(b));
        let tail = (tail.min(rest.len())..).find(|at| !inside(*at)).unwrap_or(rest.len());
        label_start + tail
    });
    // The next search begins behind this match.
    work.add((end - start) / 4);
    Some(Match { start, end, evidence: Evidence::OWN_FORM })
}
