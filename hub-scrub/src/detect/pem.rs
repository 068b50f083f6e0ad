//! Private keys in PEM.

use super::scan::Found;
use memchr::memmem;

/// How the armour begins.
pub(super) const BEGIN: &[u8] = b"-----BEGIN ";
/// Shortest text that is looked at, in bytes: armour around a key of 32 bytes is longer.
pub(super) const SHORTEST: usize = 64;
/// Longest label, in bytes: `OPENSSH PRIVATE KEY` and its like.
const LONGEST_LABEL: usize = 40;

/// The private key whose armour begins at `start`: up to the end of its armour, or, if that is
/// missing, of the text.
pub(super) fn find(bytes: &[u8], start: usize) -> Option<Found> {
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
    Some(Found { start, end, certain: true })
}
