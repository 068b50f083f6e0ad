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
    match step(bytes, start)? {
        Step::Scalar(end) => Ok(end),
        Step::Container { body, count } => walk_container(bytes, start, body, count, limits),
    }
}

enum Step {
    /// A value without children ends here.
    Scalar(usize),
    /// A map or array: where its first child starts, and how many there are.
    Container { body: usize, count: usize },
}

fn walk_container(
    bytes: &[u8],
    start: usize,
    body: usize,
    count: usize,
    limits: &Limits,
) -> Result<usize, WalkError> {
    let max_depth = usize::from(limits.depth.min(Limits::MAX_DEPTH));
    let mut budget = limits.elements as usize;
    // What is still to come in each enclosing container.
    let mut outer = [0_u32; Limits::MAX_DEPTH as usize];
    let mut depth = 1;
    let mut pos = body;
    if max_depth == 0 {
        return Err(WalkErrorKind::TooDeep.at(start));
    }
    let mut remaining = admit(bytes, start, body, count, &mut budget)?;
    loop {
        while remaining == 0 {
            depth -= 1;
            if depth == 0 {
                return Ok(pos);
            }
            remaining = outer[depth - 1];
        }
        remaining -= 1;
        match step(bytes, pos)? {
            Step::Scalar(end) => pos = end,
            Step::Container { body, count } => {
                if depth == max_depth {
                    return Err(WalkErrorKind::TooDeep.at(pos));
                }
                outer[depth - 1] = remaining;
                depth += 1;
                remaining = admit(bytes, pos, body, count, &mut budget)?;
                pos = body;
            }
        }
    }
}

/// Lets a container's children in, if the bytes and the budget can hold them.
fn admit(
    bytes: &[u8],
    at: usize,
    body: usize,
    count: usize,
    budget: &mut usize,
) -> Result<u32, WalkError> {
    // Each child takes at least one byte.
    if count > bytes.len() - body {
        return Err(WalkErrorKind::Truncated.at(at));
    }
    *budget = budget.checked_sub(count).ok_or_else(|| WalkErrorKind::TooManyElements.at(at))?;
    u32::try_from(count).map_err(|_| WalkErrorKind::TooManyElements.at(at))
}

#[inline]
fn step(bytes: &[u8], at: usize) -> Result<Step, WalkError> {
    let marker = *bytes.get(at).ok_or_else(|| WalkErrorKind::Truncated.at(at))?;
    let fixed = |len: usize| scalar(bytes, at, 1, len);
    match marker {
        0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => Ok(Step::Scalar(at + 1)),
        0xa0..=0xbf => text(bytes, at, 1, usize::from(marker & 0x1f)),
        0x80..=0x8f => Ok(container(at, 1, 2 * usize::from(marker & 0x0f))),
        0x90..=0x9f => Ok(container(at, 1, usize::from(marker & 0x0f))),
        0xc1 => Err(WalkErrorKind::ReservedMarker.at(at)),
        0xcc | 0xd0 => fixed(1),
        0xcd | 0xd1 => fixed(2),
        0xca | 0xce | 0xd2 => fixed(4),
        0xcb | 0xcf | 0xd3 => fixed(8),
        0xd4 => fixed(2),
        0xd5 => fixed(3),
        0xd6 => fixed(5),
        0xd7 => fixed(9),
        0xd8 => fixed(17),
        0xc4 => scalar(bytes, at, 2, length::<1>(bytes, at)?),
        0xc5 => scalar(bytes, at, 3, length::<2>(bytes, at)?),
        0xc6 => scalar(bytes, at, 5, length::<4>(bytes, at)?),
        // An ext has its type byte behind the length.
        0xc7 => scalar(bytes, at, 3, length::<1>(bytes, at)?),
        0xc8 => scalar(bytes, at, 4, length::<2>(bytes, at)?),
        0xc9 => scalar(bytes, at, 6, length::<4>(bytes, at)?),
        0xd9 => text(bytes, at, 2, length::<1>(bytes, at)?),
        0xda => text(bytes, at, 3, length::<2>(bytes, at)?),
        0xdb => text(bytes, at, 5, length::<4>(bytes, at)?),
        0xdc => Ok(container(at, 3, length::<2>(bytes, at)?)),
        0xdd => Ok(container(at, 5, length::<4>(bytes, at)?)),
        0xde => Ok(container(at, 3, 2 * length::<2>(bytes, at)?)),
        // 2 * (2^32 - 1) fits: usize has 64 bits on every platform the hub supports.
        0xdf => Ok(container(at, 5, 2 * length::<4>(bytes, at)?)),
    }
}

fn container(at: usize, head: usize, count: usize) -> Step {
    Step::Container { body: at + head, count }
}

fn length<const N: usize>(bytes: &[u8], at: usize) -> Result<usize, WalkError> {
    let field: &[u8; N] = bytes
        .get(at + 1..at + 1 + N)
        .and_then(|field| field.try_into().ok())
        .ok_or_else(|| WalkErrorKind::Truncated.at(at))?;
    Ok(field.iter().fold(0, |len, byte| len << 8 | usize::from(*byte)))
}

#[inline]
fn body(bytes: &[u8], at: usize, head: usize, len: usize) -> Result<&[u8], WalkError> {
    bytes.get(at + head..at + head + len).ok_or_else(|| WalkErrorKind::Truncated.at(at))
}

#[inline]
fn scalar(bytes: &[u8], at: usize, head: usize, len: usize) -> Result<Step, WalkError> {
    body(bytes, at, head, len)?;
    Ok(Step::Scalar(at + head + len))
}

#[inline]
fn text(bytes: &[u8], at: usize, head: usize, len: usize) -> Result<Step, WalkError> {
    let text = body(bytes, at, head, len)?;
    if !text.is_ascii() && std::str::from_utf8(text).is_err() {
        return Err(WalkErrorKind::InvalidUtf8.at(at));
    }
    Ok(Step::Scalar(at + head + len))
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
