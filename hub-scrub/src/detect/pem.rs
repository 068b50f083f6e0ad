//! Private keys in PEM.
//!
//! Without this module private keys would pass.

use super::declaration::{Declaration, Search, Trigger};
use super::kinds::BuiltIn;
use super::text_match::Match;
use memchr::memmem;

/// Declares [`BuiltIn::PemPrivateKey`].
pub(super) const PEM_PRIVATE_KEY: Declaration = Declaration {
    kind: BuiltIn::PemPrivateKey,
    name: "pem_private_key",
    words: &[],
    trigger: Trigger::Begin,
    ambiguous_integers: &[],
    certain_integers: &[],
    searches: &[Search::Begin { begin: BEGIN, shortest: SHORTEST, search: find }],
    check: None,
    examples: &[concat!(
        "-----BEGIN ",
        "PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA\n-----END ",
        "PRIVATE KEY-----"
    )],
};

/// The beginning of the armour.
pub(super) const BEGIN: &[u8] = b"-----BEGIN ";
/// The shortest text that is searched, in bytes. The armour around a key of 32 bytes is longer.
const SHORTEST: usize = 64;
/// The longest label, such as `OPENSSH PRIVATE KEY`, in bytes.
const LONGEST_LABEL: usize = 40;

/// Finds the private key whose armour begins at `start`. It ends with its armour or, if the end of
/// the armour is missing, with the text.
fn find(bytes: &[u8], start: usize) -> Option<Match> {
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
        label_start + tail.min(rest.len())
    });
    Some(Match { start, end, certain: true })
}
