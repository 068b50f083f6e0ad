//! The bounded MessagePack walker checks that bytes are one well-formed value within the limits.
//!
//! Everything that a client sends goes through the walker before anyone else sees it. Without it, malformed
//! bytes would surface in some subscriber, and a message of deep nesting would end the process.
//!
//! Containers of many small values go to [`dense`], which is faster but cannot describe a fault. So this
//! file alone decides which bytes are accepted, and which fault is reported as the first.

use crate::marker::{
    ARRAY_16, ARRAY_32, BIN_8, BIN_16, BIN_32, EXT_8, EXT_16, EXT_32, FIXARRAY, FIXMAP, FIXSTR,
    FLOAT_32, FLOAT_64, Family, INT_32, INT_64, MAP_16, MAP_32, Marker, NEGATIVE_FIXINT, NIL,
    STR_8, STR_16, STR_32, UINT_32, UINT_64, is_fixstr,
};
use crate::text::{WINDOW, is_utf8, starts_with_ascii};
use crate::{Limits, dense};
use thiserror::Error;

/// States why bytes are not acceptable MessagePack, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{kind} at byte {at}")]
pub struct WalkError {
    /// The faulty value begins at this offset in the walked bytes.
    pub at: usize,
    /// The fault is of this kind.
    pub kind: WalkErrorKind,
}

/// The kinds of faults that a value can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WalkErrorKind {
    /// The value needs more bytes than there are.
    #[error("value is cut short")]
    Truncated,
    /// The value begins with the marker 0xc1, which the format never uses.
    #[error("marker 0xc1 is not MessagePack")]
    ReservedMarker,
    /// The value is a string that is not strict UTF-8.
    #[error("string is not UTF-8")]
    InvalidUtf8,
    /// The value is inside more containers than the limit allows.
    #[error("nested too deep")]
    TooDeep,
    /// With this container, there are more values than the limit allows.
    #[error("too many values")]
    TooManyElements,
    /// More bytes follow after the end of the value.
    #[error("bytes after the value")]
    TrailingBytes,
}

impl WalkErrorKind {
    fn at(self, at: usize) -> WalkError {
        WalkError { at, kind: self }
    }
}

/// Checks that `bytes` is exactly one well-formed value within `limits`.
///
/// # Errors
/// Returns the first fault with its offset. Bytes after the value are a fault, too.
pub fn walk_all(bytes: &[u8], limits: &Limits) -> Result<(), WalkError> {
    match walk(bytes, 0, limits)? {
        end if end == bytes.len() => Ok(()),
        end => Err(WalkErrorKind::TrailingBytes.at(end)),
    }
}

/// Checks the value that starts at `start` and returns the offset just behind it.
///
/// The walk checks every byte: markers, lengths, and UTF-8 in strings. It allocates nothing, and it
/// refuses a count that the remaining bytes cannot hold before it uses the count.
///
/// # Errors
/// Returns the first fault with its offset in `bytes`.
pub fn walk(bytes: &[u8], start: usize, limits: &Limits) -> Result<usize, WalkError> {
    let mut walker = Walker { bytes, budget: limits.elements as usize, goes_dense: true };
    walker.values(start, 1, limits.depth.min(Limits::MAX_DEPTH))
}

struct Walker<'a> {
    bytes: &'a [u8],
    /// So many more values are allowed.
    budget: usize,
    /// States that [`dense`] has found no fault so far. After a fault, this walker does the rest, so that
    /// no byte is walked more than twice.
    goes_dense: bool,
}

impl Walker<'_> {
    /// Checks `count` values from `start` on, with at most `depth` containers inside one another.
    /// The function calls itself for each container, so [`Limits::MAX_DEPTH`] bounds the stack.
    fn values(&mut self, start: usize, count: usize, depth: u8) -> Result<usize, WalkError> {
        let bytes = self.bytes;
        let mut rest = bytes.get(start..).ok_or_else(|| WalkErrorKind::Truncated.at(start))?;
        for _ in 0..count {
            // The most frequent kinds come first. Each of the most frequent sizes has a branch of its
            // own: when the processor predicts the branch, it knows where the next value begins without
            // waiting for the table.
            if let Some(window) = rest.first_chunk::<WINDOW>() {
                let marker = window[0];
                if is_fixstr(marker) {
                    let len = usize::from(marker & 0x1f);
                    if !starts_with_ascii(window, len) {
                        utf8(&window[1..=len], bytes.len() - rest.len())?;
                    }
                    rest = &rest[1 + len..];
                    continue;
                }
                if matches!(marker, ..FIXMAP | NEGATIVE_FIXINT..) {
                    rest = &rest[1..];
                    continue;
                }
                if matches!(marker, FLOAT_64 | UINT_64 | INT_64) {
                    rest = &rest[9..];
                    continue;
                }
                if matches!(marker, FLOAT_32 | UINT_32 | INT_32) {
                    rest = &rest[5..];
                    continue;
                }
                let size = usize::from(SIZES[usize::from(marker)]);
                if size != 0 {
                    rest = &rest[size..];
                    continue;
                }
                if marker == BIN_8
                    && let Some(behind) = rest.get(2 + usize::from(window[1])..)
                {
                    rest = behind;
                    continue;
                }
            }
            let end = self.value(bytes.len() - rest.len(), depth)?;
            rest = &bytes[end..];
        }
        Ok(bytes.len() - rest.len())
    }

    /// Checks any value with all that it contains. This flat `match` is faster than a look-up of the
    /// [`Marker`] in front of each small container. A test compares the two.
    fn value(&mut self, at: usize, depth: u8) -> Result<usize, WalkError> {
        let bytes = self.bytes;
        let marker = *bytes.get(at).ok_or_else(|| WalkErrorKind::Truncated.at(at))?;
        // Most values near the end of the bytes, where no window fits, have a fixed size.
        let fixed = usize::from(SIZES[usize::from(marker)]);
        if fixed != 0 {
            return end(bytes, at, fixed);
        }
        match marker {
            FIXMAP..FIXARRAY => self.container(at, 1, 2 * usize::from(marker & 0x0f), depth),
            FIXARRAY..FIXSTR => self.container(at, 1, usize::from(marker & 0x0f), depth),
            FIXSTR..NIL => text(bytes, at, 1, usize::from(marker & 0x1f)),
            ARRAY_16 => self.large(at, 3, length::<2>(bytes, at)?, false, depth),
            ARRAY_32 => self.large(at, 5, length::<4>(bytes, at)?, false, depth),
            MAP_16 => self.large(at, 3, 2 * length::<2>(bytes, at)?, true, depth),
            // 2 * (2^32 - 1) fits, because usize has 64 bits on every platform that the hub supports.
            MAP_32 => self.large(at, 5, 2 * length::<4>(bytes, at)?, true, depth),
            STR_8 => text(bytes, at, 2, length::<1>(bytes, at)?),
            STR_16 => text(bytes, at, 3, length::<2>(bytes, at)?),
            STR_32 => text(bytes, at, 5, length::<4>(bytes, at)?),
            BIN_8 => end(bytes, at, 2 + length::<1>(bytes, at)?),
            BIN_16 => end(bytes, at, 3 + length::<2>(bytes, at)?),
            BIN_32 => end(bytes, at, 5 + length::<4>(bytes, at)?),
            // The length of an extension does not include its type byte.
            EXT_8 => end(bytes, at, 3 + length::<1>(bytes, at)?),
            EXT_16 => end(bytes, at, 4 + length::<2>(bytes, at)?),
            EXT_32 => end(bytes, at, 6 + length::<4>(bytes, at)?),
            _ => Err(WalkErrorKind::ReservedMarker.at(at)),
        }
    }

    /// Checks a map or an array of `count` values. The first value begins `head` bytes behind `at`.
    fn container(
        &mut self,
        at: usize,
        head: usize,
        count: usize,
        depth: u8,
    ) -> Result<usize, WalkError> {
        let (body, depth) = self.open(at, head, count, depth)?;
        self.values(body, count, depth)
    }

    /// Checks a container that may be large enough for [`dense`], because its count has bytes of its own
    /// and is usually 16 or more. Smaller containers go to [`Walker::container`], which does not spend
    /// time on the question.
    #[inline(never)]
    fn large(
        &mut self,
        at: usize,
        head: usize,
        count: usize,
        is_map: bool,
        depth: u8,
    ) -> Result<usize, WalkError> {
        let (body, depth) = self.open(at, head, count, depth)?;
        if self.goes_dense
            && dense::is_dense(self.bytes.len() - body, count)
            && let Some(end) = self.dense(body, count, is_map, depth)
        {
            return Ok(end);
        }
        self.values(body, count, depth)
    }

    /// Returns where the first value of a container begins, and how deep containers in it may be nested.
    #[inline]
    fn open(
        &mut self,
        at: usize,
        head: usize,
        count: usize,
        depth: u8,
    ) -> Result<(usize, u8), WalkError> {
        let Some(depth) = depth.checked_sub(1) else { return Err(WalkErrorKind::TooDeep.at(at)) };
        let body = end(self.bytes, at, head)?;
        // Each child takes at least one byte.
        if count > self.bytes.len() - body {
            return Err(WalkErrorKind::Truncated.at(at));
        }
        let Some(budget) = self.budget.checked_sub(count) else {
            return Err(WalkErrorKind::TooManyElements.at(at));
        };
        self.budget = budget;
        Ok((body, depth))
    }

    /// Returns where the last of `count` small values ends, if [`dense`] takes them and finds no fault.
    /// This is not part of the caller, so that the many containers that are not dense have a small stack
    /// frame.
    #[inline(never)]
    fn dense(&mut self, start: usize, count: usize, is_map: bool, depth: u8) -> Option<usize> {
        if !is_map && !dense::is_mixed(&self.bytes[start..]) {
            return None;
        }
        let walked = dense::walk(self.bytes, start, count, depth, self.budget);
        self.goes_dense = walked.is_some();
        let walked = walked?;
        self.budget = walked.budget;
        Some(walked.end)
    }
}

/// The size in bytes of a value with each marker, if the marker alone determines the size and the bytes
/// behind it need no check. For all other markers the table has 0.
static SIZES: [u8; 256] = sizes();

const fn sizes() -> [u8; 256] {
    let mut sizes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let marker = Marker::of(byte as u8);
        sizes[byte] = match marker.family {
            Family::Str | Family::Array | Family::Map => 0,
            _ if marker.field != 0 => 0,
            _ => marker.size,
        };
        byte += 1;
    }
    sizes
}

/// Returns the end of a value of `size` bytes, or a fault if the bytes end before it.
#[inline]
fn end(bytes: &[u8], at: usize, size: usize) -> Result<usize, WalkError> {
    let end = at + size;
    if end > bytes.len() { Err(WalkErrorKind::Truncated.at(at)) } else { Ok(end) }
}

/// Reads the number in the `N` bytes behind the marker at `at`, with the highest byte first.
#[inline]
fn length<const N: usize>(bytes: &[u8], at: usize) -> Result<usize, WalkError> {
    let field: &[u8; N] = bytes
        .get(at + 1..)
        .and_then(|rest| rest.first_chunk())
        .ok_or_else(|| WalkErrorKind::Truncated.at(at))?;
    Ok(field.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
}

/// Checks a string of `len` bytes, whose text begins `head` bytes behind `at`.
#[inline]
fn text(bytes: &[u8], at: usize, head: usize, len: usize) -> Result<usize, WalkError> {
    let end = end(bytes, at, head + len)?;
    match is_utf8(&bytes[at + head..end]) {
        true => Ok(end),
        false => Err(WalkErrorKind::InvalidUtf8.at(at)),
    }
}

#[inline]
fn utf8(text: &[u8], at: usize) -> Result<(), WalkError> {
    match std::str::from_utf8(text) {
        Ok(_) => Ok(()),
        Err(_) => Err(WalkErrorKind::InvalidUtf8.at(at)),
    }
}

const _: () = assert!(usize::BITS >= 64, "lengths of two 32-bit counts are added in a usize");

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(bytes: &[u8]) -> WalkErrorKind {
        walk_all(bytes, &Limits::default()).unwrap_err().kind
    }

    #[test]
    fn every_marker_with_its_shortest_body_is_walked_to_its_end() {
        for marker in 0..=255_u8 {
            let mut bytes = vec![marker];
            bytes.extend([0; 40]);
            match walk(&bytes, 0, &Limits::default()) {
                Ok(end) => assert!(end <= 33, "{marker:#x} ended at {end}"),
                Err(error) => {
                    assert_eq!((marker, error.kind), (0xc1, WalkErrorKind::ReservedMarker));
                }
            }
        }
    }

    #[test]
    fn every_value_ends_where_the_table_of_markers_has_it() {
        for byte in (0..=u8::MAX).filter(|byte| *byte != 0xc1) {
            let marker = Marker::of(byte);
            let values = |count| if marker.family == Family::Map { 2 * count } else { count };
            // Without a window behind the value, and with one.
            for behind in [0, 40] {
                let size = usize::from(marker.size) + values(usize::from(marker.count));
                let mut bytes = vec![byte];
                bytes.resize(size + behind, 0);
                assert_eq!(walk(&bytes, 0, &Limits::NONE), Ok(size), "{byte:#x}");
                if marker.field != 0 {
                    // The lowest byte of the length, or of the count, is 1.
                    bytes[usize::from(marker.field)] = 1;
                    bytes.resize(size + values(1) + behind, 0);
                    assert_eq!(walk(&bytes, 0, &Limits::NONE), Ok(size + values(1)), "{byte:#x}");
                }
            }
        }
    }

    #[test]
    fn huge_counts_are_refused_before_they_are_used() {
        for marker in [0xdb, 0xc6, 0xc9, 0xdd, 0xdf] {
            assert_eq!(fault(&[marker, 0xff, 0xff, 0xff, 0xff]), WalkErrorKind::Truncated);
        }
    }

    #[test]
    fn nesting_stops_at_the_limit() {
        let limits = Limits { depth: 3, ..Limits::default() };
        assert_eq!(walk_all(&[0x91, 0x91, 0x91, 0xc0], &limits), Ok(()));
        let deep = walk_all(&[0x91, 0x91, 0x91, 0x91, 0xc0], &limits);
        assert_eq!(deep, Err(WalkErrorKind::TooDeep.at(3)));
        assert_eq!(fault(&[0x91; 100_000]), WalkErrorKind::TooDeep);
    }

    #[test]
    fn values_are_counted_over_all_containers() {
        let limits = Limits { elements: 5, ..Limits::default() };
        assert_eq!(walk_all(&[0x93, 0xc0, 0x92, 1, 2, 3], &limits), Ok(()));
        let many = walk_all(&[0x94, 0xc0, 0x92, 1, 2, 3, 4], &limits);
        assert_eq!(many, Err(WalkErrorKind::TooManyElements.at(2)));
    }

    #[test]
    fn utf8_is_strict() {
        assert!(walk_all("\u{a3}é".as_bytes(), &Limits::default()).is_err());
        for bad in [&[0xa2, 0xc0, 0x80][..], &[0xa3, 0xed, 0xa0, 0x80], &[0xa1, 0xff]] {
            assert_eq!(fault(bad), WalkErrorKind::InvalidUtf8);
        }
        assert_eq!(walk_all(&[0xa2, 0xc3, 0xa9], &Limits::default()), Ok(()));
    }

    #[test]
    fn bytes_after_the_value_are_a_fault() {
        assert_eq!(
            walk_all(&[0xc0, 0xc0], &Limits::default()),
            Err(WalkErrorKind::TrailingBytes.at(1))
        );
        assert_eq!(fault(&[]), WalkErrorKind::Truncated);
    }
}
