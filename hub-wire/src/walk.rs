//! The bounded MessagePack walker: whether bytes are one well-formed value within the limits.
//!
//! Everything that a client sends goes through it before anyone else sees it. Without it, malformed
//! bytes would surface in some subscriber, and a message of deep nesting would end the process.
//!
//! Containers of many small values go to [`dense`], which is faster and says nothing about a fault. So
//! this file alone says which bytes are accepted, and which fault is the first.

use crate::marker::{BIN_8, Family, Marker, is_fixstr};
use crate::text::{is_utf8, starts_with_ascii, window};
use crate::{Limits, dense};
use thiserror::Error;

/// Why bytes are not acceptable MessagePack, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{kind} at byte {at}")]
pub struct WalkError {
    /// Offset of the value that is at fault, from the start of the walked bytes.
    pub at: usize,
    /// What is wrong with it.
    pub kind: WalkErrorKind,
}

/// What is wrong with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WalkErrorKind {
    /// The value needs more bytes than there are.
    #[error("value is cut short")]
    Truncated,
    /// The marker 0xc1, which the format never uses.
    #[error("marker 0xc1 is not MessagePack")]
    ReservedMarker,
    /// A string that is not strict UTF-8.
    #[error("string is not UTF-8")]
    InvalidUtf8,
    /// More containers inside one another than allowed.
    #[error("nested too deep")]
    TooDeep,
    /// More values than allowed.
    #[error("too many values")]
    TooManyElements,
    /// Bytes after the end of the value.
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
/// The first fault, with its offset; bytes after the value are one.
pub fn walk_all(bytes: &[u8], limits: &Limits) -> Result<(), WalkError> {
    match walk(bytes, 0, limits)? {
        end if end == bytes.len() => Ok(()),
        end => Err(WalkErrorKind::TrailingBytes.at(end)),
    }
}

/// Checks the value that starts at `start` and returns the offset just behind it.
///
/// Every byte is looked at: markers, lengths, and UTF-8 in strings. Nothing is allocated, and
/// a count that the remaining bytes cannot hold is refused before it is used.
///
/// # Errors
/// The first fault, with its offset in `bytes`.
pub fn walk(bytes: &[u8], start: usize, limits: &Limits) -> Result<usize, WalkError> {
    let mut walker = Walker { bytes, budget: limits.elements as usize, goes_dense: true };
    walker.values(start, 1, limits.depth.min(Limits::MAX_DEPTH))
}

struct Walker<'a> {
    bytes: &'a [u8],
    /// How many more values there may be.
    budget: usize,
    /// Whether [`dense`] has found no fault so far. When it has, the rest is for this walker, so that
    /// no byte is walked more than twice.
    goes_dense: bool,
}

impl Walker<'_> {
    /// Checks `count` values from `pos` on, with at most `depth` containers inside one another.
    /// It calls itself for each of them, so [`Limits::MAX_DEPTH`] bounds the stack.
    fn values(&mut self, mut pos: usize, count: usize, depth: u8) -> Result<usize, WalkError> {
        for _ in 0..count {
            // In the order of how often they come. A branch for each of the most frequent sizes:
            // where the processor guesses it, it need not wait for the table to know where the next
            // value is.
            if let Some(window) = window(self.bytes, pos) {
                let marker = window[0];
                if is_fixstr(marker) {
                    let len = usize::from(marker & 0x1f);
                    if !starts_with_ascii(window, len) {
                        utf8(&window[1..=len], pos)?;
                    }
                    pos += 1 + len;
                    continue;
                }
                if marker <= 0x7f || marker >= 0xe0 {
                    pos += 1;
                    continue;
                }
                if matches!(marker, 0xcb | 0xcf | 0xd3) {
                    pos += 9;
                    continue;
                }
                if matches!(marker, 0xca | 0xce | 0xd2) {
                    pos += 5;
                    continue;
                }
                let size = usize::from(SIZES[usize::from(marker)]);
                if size != 0 {
                    pos += size;
                    continue;
                }
                if marker == BIN_8 {
                    pos = end(self.bytes, pos, 2 + usize::from(window[1]))?;
                    continue;
                }
            }
            pos = self.value(pos, depth)?;
        }
        Ok(pos)
    }

    /// Checks any value, and what it contains.
    fn value(&mut self, at: usize, depth: u8) -> Result<usize, WalkError> {
        let truncated = || WalkErrorKind::Truncated.at(at);
        let value = self.bytes.get(at..).ok_or_else(truncated)?;
        let byte = *value.first().ok_or_else(truncated)?;
        // Near the end of all bytes, where there is no window, most values are of these.
        let fixed = usize::from(SIZES[usize::from(byte)]);
        if fixed != 0 {
            return end(self.bytes, at, fixed);
        }
        let marker = Marker::of(byte);
        if marker.field == 0 {
            return match marker.family {
                Family::Str => self.text(at, 1, usize::from(marker.size)),
                Family::Map => self.container(at, 1, 2 * usize::from(marker.count), true, depth),
                Family::Array => self.container(at, 1, usize::from(marker.count), false, depth),
                _ => Err(WalkErrorKind::ReservedMarker.at(at)),
            };
        }
        let length = marker.length(value).ok_or_else(truncated)?;
        let size = usize::from(marker.size);
        match marker.family {
            Family::Array => self.container(at, size, length, false, depth),
            // 2 * (2^32 - 1) fits: usize has 64 bits on every platform the hub supports.
            Family::Map => self.container(at, size, 2 * length, true, depth),
            Family::Str => self.text(at, size, size + length),
            _ => end(self.bytes, at, size + length),
        }
    }

    /// Checks a string whose text begins `head` bytes behind `at`, and ends `size` bytes behind it.
    #[inline]
    fn text(&self, at: usize, head: usize, size: usize) -> Result<usize, WalkError> {
        let end = end(self.bytes, at, size)?;
        match is_utf8(&self.bytes[at + head..end]) {
            true => Ok(end),
            false => Err(WalkErrorKind::InvalidUtf8.at(at)),
        }
    }

    /// Checks a map or array of `count` values, whose first is `size` bytes behind `at`.
    fn container(
        &mut self,
        at: usize,
        size: usize,
        count: usize,
        is_map: bool,
        depth: u8,
    ) -> Result<usize, WalkError> {
        let Some(depth) = depth.checked_sub(1) else { return Err(WalkErrorKind::TooDeep.at(at)) };
        let start = end(self.bytes, at, size)?;
        let body = &self.bytes[start..];
        // Each child takes at least one byte.
        if count > body.len() {
            return Err(WalkErrorKind::Truncated.at(at));
        }
        let Some(budget) = self.budget.checked_sub(count) else {
            return Err(WalkErrorKind::TooManyElements.at(at));
        };
        self.budget = budget;
        if self.goes_dense
            && dense::is_dense(body.len(), count)
            && let Some(end) = self.dense(start, count, is_map, depth)
        {
            return Ok(end);
        }
        self.values(start, count, depth)
    }

    /// Where the last of `count` small values ends, if [`dense`] takes them and finds no fault. Apart
    /// from its caller, so that the many containers that are not dense have a small stack frame.
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

/// How many bytes a value with this marker takes up, where the marker alone says so and the bytes
/// need no look; else 0.
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

/// The end of a value of `size` bytes, if they are there.
#[inline]
fn end(bytes: &[u8], at: usize, size: usize) -> Result<usize, WalkError> {
    let end = at + size;
    if end > bytes.len() { Err(WalkErrorKind::Truncated.at(at)) } else { Ok(end) }
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
