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
    let max_depth = usize::from(limits.depth.min(Limits::MAX_DEPTH));
    let mut budget = limits.elements as usize;
    // What is still to come in each enclosing container, and in the current one.
    let mut outer = [0_usize; Limits::MAX_DEPTH as usize + 1];
    let (mut depth, mut remaining) = (0, 1);
    let mut pos = start;
    loop {
        while remaining == 0 {
            if depth == 0 {
                return Ok(pos);
            }
            depth -= 1;
            remaining = outer[depth];
        }
        remaining -= 1;
        let marker = *bytes.get(pos).ok_or_else(|| WalkErrorKind::Truncated.at(pos))?;
        // In the order of how often they come. A branch for each of the most frequent sizes: the
        // processor guesses it, and need not wait for the table to know where the next value is.
        if marker & 0xe0 == FIXSTR {
            pos = short_text(bytes, pos, usize::from(marker & 0x1f))?;
            continue;
        }
        if marker <= 0x7f || marker >= 0xe0 {
            pos += 1;
            continue;
        }
        if matches!(marker, 0xcb | 0xcf | 0xd3) {
            pos = end(bytes, pos, 9)?;
            continue;
        }
        let size = usize::from(SIZES[usize::from(marker)]);
        if size != 0 {
            pos = end(bytes, pos, size)?;
            continue;
        }
        match step(bytes, pos, marker)? {
            Step::Scalar(end) => pos = end,
            Step::Container { body, count } => {
                if depth == max_depth {
                    return Err(WalkErrorKind::TooDeep.at(pos));
                }
                // Each child takes at least one byte.
                if body > bytes.len() || count > bytes.len() - body {
                    return Err(WalkErrorKind::Truncated.at(pos));
                }
                budget = budget
                    .checked_sub(count)
                    .ok_or_else(|| WalkErrorKind::TooManyElements.at(pos))?;
                outer[depth] = remaining;
                depth += 1;
                (remaining, pos) = (count, body);
            }
        }
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

enum Step {
    /// A value without children ends here.
    Scalar(usize),
    /// A map or array: where its first child starts, and how many there are.
    Container { body: usize, count: usize },
}

/// Values that are neither short strings nor in [`SIZES`].
fn step(bytes: &[u8], at: usize, marker: u8) -> Result<Step, WalkError> {
    let container = |head, count| Ok(Step::Container { body: at + head, count });
    let scalar = |head, len| end(bytes, at, head + len).map(Step::Scalar);
    match marker {
        0x80..=0x8f => container(1, 2 * usize::from(marker & 0x0f)),
        0x90..=0x9f => container(1, usize::from(marker & 0x0f)),
        0xdc => container(3, length::<2>(bytes, at)?),
        0xdd => container(5, length::<4>(bytes, at)?),
        0xde => container(3, 2 * length::<2>(bytes, at)?),
        // 2 * (2^32 - 1) fits: usize has 64 bits on every platform the hub supports.
        0xdf => container(5, 2 * length::<4>(bytes, at)?),
        0xd9 => text(bytes, at, 2, length::<1>(bytes, at)?),
        0xda => text(bytes, at, 3, length::<2>(bytes, at)?),
        0xdb => text(bytes, at, 5, length::<4>(bytes, at)?),
        0xc4 => scalar(2, length::<1>(bytes, at)?),
        0xc5 => scalar(3, length::<2>(bytes, at)?),
        0xc6 => scalar(5, length::<4>(bytes, at)?),
        // An ext has its type byte behind the length.
        0xc7 => scalar(3, length::<1>(bytes, at)?),
        0xc8 => scalar(4, length::<2>(bytes, at)?),
        0xc9 => scalar(6, length::<4>(bytes, at)?),
        _ => Err(WalkErrorKind::ReservedMarker.at(at)),
    }
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

fn text(bytes: &[u8], at: usize, head: usize, len: usize) -> Result<Step, WalkError> {
    let end = end(bytes, at, head + len)?;
    let text = &bytes[at + head..end];
    if !text.is_ascii() && std::str::from_utf8(text).is_err() {
        return Err(WalkErrorKind::InvalidUtf8.at(at));
    }
    Ok(Step::Scalar(end))
}

/// Room for the longest short string.
const WINDOW: usize = 32;

/// A string of up to 31 bytes: most strings, and nearly all keys.
#[inline]
fn short_text(bytes: &[u8], at: usize, len: usize) -> Result<usize, WalkError> {
    let end = end(bytes, at, 1 + len)?;
    let ascii = match bytes[at + 1..].first_chunk::<WINDOW>() {
        // All of the window is looked at, without a branch on the length: whatever stands
        // behind the string is masked out.
        Some(window) => {
            let high =
                window.iter().zip(&HIGH_BITS[len]).fold(0, |high, (byte, bit)| high | byte & bit);
            high == 0
        }
        None => bytes[at + 1..end].is_ascii(),
    };
    if !ascii && std::str::from_utf8(&bytes[at + 1..end]).is_err() {
        return Err(WalkErrorKind::InvalidUtf8.at(at));
    }
    Ok(end)
}

/// For each length of a short string: the high bit of each of its bytes.
static HIGH_BITS: [[u8; WINDOW]; WINDOW] = high_bits();

const fn high_bits() -> [[u8; WINDOW]; WINDOW] {
    let mut bits = [[0; WINDOW]; WINDOW];
    let mut len = 0;
    while len < WINDOW {
        let mut at = 0;
        while at < len {
            bits[len][at] = 0x80;
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
