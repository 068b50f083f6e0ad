//! Reading values that several frames have.

use super::{FrameError, FrameErrorKind};
use crate::Reader;

/// Most entries of a map of options or facts: far more than there are.
const MAX_ENTRIES: usize = 64;

pub(super) fn read_u32(read: &mut Reader<'_>, what: &'static str) -> Result<u32, FrameError> {
    let at = read.position();
    u32::try_from(read.uint(what)?).map_err(|_| FrameErrorKind::NoSuchValue { what }.at(at))
}

pub(super) fn read_u16(read: &mut Reader<'_>, what: &'static str) -> Result<u16, FrameError> {
    let at = read.position();
    u16::try_from(read.uint(what)?).map_err(|_| FrameErrorKind::NoSuchValue { what }.at(at))
}

pub(super) fn read_id16(read: &mut Reader<'_>, what: &'static str) -> Result<[u8; 16], FrameError> {
    let at = read.position();
    let expected = "16 bytes";
    read.bin(what)?.try_into().map_err(|_| FrameErrorKind::WrongType { what, expected }.at(at))
}

/// Reads a map's entries: `entry` takes the value of a key it knows and returns whether it did.
///
/// A key that comes twice is refused: two readers could take it to mean two things.
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
