//! Reads values that occur in several frames.
//!
//! Without these functions, each frame would check the range of its numbers and the keys of its map in
//! its own way.

use super::{FrameError, FrameErrorKind};
use crate::Reader;

/// A map of options or facts may have at most this many entries. This version knows far fewer.
const MAX_ENTRIES: usize = 64;

/// Reads an unsigned integer of at most 32 bits.
pub(super) fn read_u32(read: &mut Reader<'_>, what: &'static str) -> Result<u32, FrameError> {
    let at = read.position();
    u32::try_from(read.uint(what)?).map_err(|_| FrameErrorKind::NoSuchValue { what }.at(at))
}

/// Reads an unsigned integer of at most 16 bits.
pub(super) fn read_u16(read: &mut Reader<'_>, what: &'static str) -> Result<u16, FrameError> {
    let at = read.position();
    u16::try_from(read.uint(what)?).map_err(|_| FrameErrorKind::NoSuchValue { what }.at(at))
}

/// Reads an id of 16 bytes.
pub(super) fn read_id16(read: &mut Reader<'_>, what: &'static str) -> Result<[u8; 16], FrameError> {
    let at = read.position();
    let expected = "16 bytes";
    read.bin(what)?.try_into().map_err(|_| FrameErrorKind::WrongType { what, expected }.at(at))
}

/// Reads the entries of a map. `entry` reads the value of a key that it knows, and returns whether it
/// knows the key. The values of other keys are walked and ignored.
///
/// A map with the same key twice is refused, because two readers could use different values.
pub(super) fn read_map<'a>(
    read: &mut Reader<'a>,
    what: &'static str,
    mut entry: impl FnMut(&'a str, &mut Reader<'a>) -> Result<bool, FrameError>,
) -> Result<(), FrameError> {
    let mut seen = [""; MAX_ENTRIES];
    let at = read.position();
    let count = read.map(what)? as usize;
    if count > MAX_ENTRIES {
        return Err(FrameErrorKind::TooMany { what, limit: MAX_ENTRIES }.at(at));
    }
    for n in 0..count {
        let at = read.position();
        let key = read.str("key")?;
        if seen[..n].contains(&key) {
            return Err(FrameErrorKind::Repeated { what }.at(at));
        }
        seen[n] = key;
        if !entry(key, read)? {
            read.value("value of an unknown key")?;
        }
    }
    Ok(())
}
