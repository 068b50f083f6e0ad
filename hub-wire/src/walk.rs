//! The bounded MessagePack walker.
//!
//! Format as in the MessagePack specification (github.com/msgpack/msgpack, `spec.md`).

use super::Limits;
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
    let mut walker = Walker { bytes, budget: limits.elements as usize };
    walker.values(start, 1, limits.depth.min(Limits::MAX_DEPTH))
}

struct Walker<'a> {
    bytes: &'a [u8],
    /// How many more values there may be.
    budget: usize,
}

impl Walker<'_> {
    /// Checks `count` values from `pos` on, with at most `depth` containers inside one another.
    /// It calls itself for each of them, so [`Limits::MAX_DEPTH`] bounds the stack.
    fn values(&mut self, mut pos: usize, count: usize, depth: u8) -> Result<usize, WalkError> {
        for _ in 0..count {
            // In the order of how often they come. A branch for each of the most frequent sizes:
            // the processor guesses it, and need not wait for the table to know where the next
            // value is.
            if let Some(window) = window(self.bytes, pos) {
                let marker = window[0];
                if marker & 0xe0 == FIXSTR {
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
                if marker == 0xc4 {
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
        let bytes = self.bytes;
        let marker = *bytes.get(at).ok_or_else(|| WalkErrorKind::Truncated.at(at))?;
        let fixed = usize::from(SIZES[usize::from(marker)]);
        let short = usize::from(marker & 0x1f);
        match marker {
            _ if fixed != 0 => end(bytes, at, fixed),
            0x80..=0x8f => self.container(at, 1, 2 * usize::from(marker & 0x0f), depth),
            0x90..=0x9f => self.container(at, 1, usize::from(marker & 0x0f), depth),
            0xa0..=0xbf => text(bytes, at, 1, short),
            0xdc => self.container(at, 3, length::<2>(bytes, at)?, depth),
            0xdd => self.container(at, 5, length::<4>(bytes, at)?, depth),
            0xde => self.container(at, 3, 2 * length::<2>(bytes, at)?, depth),
            // 2 * (2^32 - 1) fits: usize has 64 bits on every platform the hub supports.
            0xdf => self.container(at, 5, 2 * length::<4>(bytes, at)?, depth),
            0xd9 => text(bytes, at, 2, length::<1>(bytes, at)?),
            0xda => text(bytes, at, 3, length::<2>(bytes, at)?),
            0xdb => text(bytes, at, 5, length::<4>(bytes, at)?),
            0xc4 => end(bytes, at, 2 + length::<1>(bytes, at)?),
            0xc5 => end(bytes, at, 3 + length::<2>(bytes, at)?),
            0xc6 => end(bytes, at, 5 + length::<4>(bytes, at)?),
            // An ext has its type byte behind the length.
            0xc7 => end(bytes, at, 3 + length::<1>(bytes, at)?),
            0xc8 => end(bytes, at, 4 + length::<2>(bytes, at)?),
            0xc9 => end(bytes, at, 6 + length::<4>(bytes, at)?),
            _ => Err(WalkErrorKind::ReservedMarker.at(at)),
        }
    }

    /// Checks a map or array of `count` values whose first starts `head` bytes behind `at`.
    fn container(
        &mut self,
        at: usize,
        head: usize,
        count: usize,
        depth: u8,
    ) -> Result<usize, WalkError> {
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
        self.values(body, count, depth)
    }
}

const FIXSTR: u8 = 0xa0;

/// How many bytes a value with this marker takes up, where the marker alone says so; else 0.
static SIZES: [u8; 256] = sizes();

const fn sizes() -> [u8; 256] {
    let mut sizes = [0; 256];
    let mut marker = 0;
    while marker < 256 {
        sizes[marker] = match marker {
            0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => 1,
            0xcc | 0xd0 => 2,
            0xcd | 0xd1 | 0xd4 => 3,
            0xd5 => 4,
            0xca | 0xce | 0xd2 => 5,
            0xd6 => 6,
            0xcb | 0xcf | 0xd3 => 9,
            0xd7 => 10,
            0xd8 => 18,
            _ => 0,
        };
        marker += 1;
    }
    sizes
}

/// The end of a value of `size` bytes, if they are there.
#[inline]
fn end(bytes: &[u8], at: usize, size: usize) -> Result<usize, WalkError> {
    let end = at + size;
    if end > bytes.len() { Err(WalkErrorKind::Truncated.at(at)) } else { Ok(end) }
}

fn length<const N: usize>(bytes: &[u8], at: usize) -> Result<usize, WalkError> {
    let field: &[u8; N] = bytes
        .get(at + 1..)
        .and_then(|rest| rest.first_chunk())
        .ok_or_else(|| WalkErrorKind::Truncated.at(at))?;
    Ok(field.iter().fold(0, |len, byte| len << 8 | usize::from(*byte)))
}

fn text(bytes: &[u8], at: usize, head: usize, len: usize) -> Result<usize, WalkError> {
    let end = end(bytes, at, head + len)?;
    let text = &bytes[at + head..end];
    if !text.is_ascii() {
        utf8(text, at)?;
    }
    Ok(end)
}

#[inline]
fn utf8(text: &[u8], at: usize) -> Result<(), WalkError> {
    match std::str::from_utf8(text) {
        Ok(_) => Ok(()),
        Err(_) => Err(WalkErrorKind::InvalidUtf8.at(at)),
    }
}

/// A marker and the longest value that can follow it without a length: a string of 31 bytes.
const WINDOW: usize = 32;

/// The bytes from `at` on, if there are enough for any such value. One check of bounds for all.
#[inline]
fn window(bytes: &[u8], at: usize) -> Option<&[u8; WINDOW]> {
    bytes.get(at..)?.first_chunk()
}

/// Whether `len` bytes behind the marker are ASCII. All of the window is looked at, without a
/// branch on the length: whatever stands behind the string is masked out.
#[inline]
fn starts_with_ascii(window: &[u8; WINDOW], len: usize) -> bool {
    let mask = &HIGH_BITS[len];
    let word = |n: usize| {
        window[8 * n..].first_chunk().map_or(0, |word| u64::from_ne_bytes(*word) & mask[n])
    };
    word(0) | word(1) | word(2) | word(3) == 0
}

/// For each length of a short string: the high bit of each of its bytes in a window.
static HIGH_BITS: [[u64; WINDOW / 8]; WINDOW] = high_bits();

const fn high_bits() -> [[u64; WINDOW / 8]; WINDOW] {
    let mut bits = [[0; WINDOW / 8]; WINDOW];
    let mut len = 0;
    while len < WINDOW {
        let mut at = 1;
        while at <= len {
            let mut word = [0; 8];
            word[at % 8] = 0x80;
            bits[len][at / 8] |= u64::from_ne_bytes(word);
            at += 1;
        }
        len += 1;
    }
    bits
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
