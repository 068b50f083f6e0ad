//! Helpers for the fuzz targets: a reader of MessagePack that is too simple to have the faults of the
//! walker, and values that are made from the bytes of a fuzzer.
#![allow(dead_code, reason = "each target uses its part")]

use hub_wire::{Limits, WalkError, WalkErrorKind};

/// Returns the end of the value at `at`, or the first fault. It recurses, reads one marker at a time,
/// and reads no byte twice. The caller passes all bytes.
pub(crate) fn naive(bytes: &[u8], at: usize, limits: &Limits) -> Result<usize, WalkError> {
    let depth = usize::from(limits.depth.min(Limits::MAX_DEPTH));
    Naive { bytes, elements: limits.elements as usize }.value(at, depth)
}

struct Naive<'a> {
    bytes: &'a [u8],
    elements: usize,
}

/// The body that follows a marker. A `width` is the number of bytes of a length or a count.
enum Body {
    Fixed(usize),
    Text { width: usize, len: usize },
    Bytes { width: usize, extra: usize },
    Container { width: usize, count: usize, each: usize },
    Nothing,
}

impl Naive<'_> {
    fn value(&mut self, at: usize, depth: usize) -> Result<usize, WalkError> {
        let fault = |kind| Err(WalkError { at, kind });
        let Some(&marker) = self.bytes.get(at) else { return fault(WalkErrorKind::Truncated) };
        let low = |mask: u8| usize::from(marker & mask);
        let body = match marker {
            0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => Body::Fixed(0),
            0x80..=0x8f => Body::Container { width: 0, count: low(0x0f), each: 2 },
            0x90..=0x9f => Body::Container { width: 0, count: low(0x0f), each: 1 },
            0xa0..=0xbf => Body::Text { width: 0, len: low(0x1f) },
            0xc1 => Body::Nothing,
            0xc4..=0xc6 => Body::Bytes { width: 1 << (marker - 0xc4), extra: 0 },
            0xc7..=0xc9 => Body::Bytes { width: 1 << (marker - 0xc7), extra: 1 },
            0xca => Body::Fixed(4),
            0xcb => Body::Fixed(8),
            0xcc..=0xcf => Body::Fixed(1 << (marker - 0xcc)),
            0xd0..=0xd3 => Body::Fixed(1 << (marker - 0xd0)),
            0xd4..=0xd8 => Body::Fixed(1 + (1 << (marker - 0xd4))),
            0xd9..=0xdb => Body::Text { width: 1 << (marker - 0xd9), len: 0 },
            0xdc | 0xdd => Body::Container { width: 2 << (marker - 0xdc), count: 0, each: 1 },
            0xde | 0xdf => Body::Container { width: 2 << (marker - 0xde), count: 0, each: 2 },
        };
        let behind = at + 1;
        match body {
            Body::Nothing => fault(WalkErrorKind::ReservedMarker),
            Body::Fixed(size) => match self.take(behind, size) {
                Some(_) => Ok(behind + size),
                None => fault(WalkErrorKind::Truncated),
            },
            Body::Bytes { width, extra } => {
                let size = self.number(behind, width).map(|len| width + len + extra);
                match size.and_then(|size| self.take(behind, size)) {
                    Some(taken) => Ok(behind + taken.len()),
                    None => fault(WalkErrorKind::Truncated),
                }
            }
            Body::Text { width, len } => {
                let Some(long) = self.number(behind, width) else {
                    return fault(WalkErrorKind::Truncated);
                };
                let start = behind + width;
                match self.take(start, len + long) {
                    None => fault(WalkErrorKind::Truncated),
                    Some(text) if std::str::from_utf8(text).is_err() => {
                        fault(WalkErrorKind::InvalidUtf8)
                    }
                    Some(text) => Ok(start + text.len()),
                }
            }
            Body::Container { width, count, each } => {
                let Some(long) = self.number(behind, width) else {
                    return fault(WalkErrorKind::Truncated);
                };
                let count = (count + long) * each;
                if depth == 0 {
                    return fault(WalkErrorKind::TooDeep);
                }
                // Each value has at least one byte.
                if self.take(behind + width, count).is_none() {
                    return fault(WalkErrorKind::Truncated);
                }
                if count > self.elements {
                    return fault(WalkErrorKind::TooManyElements);
                }
                self.elements -= count;
                (0..count).try_fold(behind + width, |at, _| self.value(at, depth - 1))
            }
        }
    }

    fn take(&self, at: usize, size: usize) -> Option<&[u8]> {
        self.bytes.get(at..)?.get(..size)
    }

    fn number(&self, at: usize, width: usize) -> Option<usize> {
        let digits = self.take(at, width)?;
        Some(digits.iter().fold(0, |number, digit| number * 256 + usize::from(*digit)))
    }
}

/// The bytes of a fuzzer, which are taken one after another. When none are left, each further byte is 0.
pub(crate) struct FuzzInput<'a>(pub(crate) &'a [u8]);

impl FuzzInput<'_> {
    pub(crate) fn byte(&mut self) -> u8 {
        match self.0 {
            [first, rest @ ..] => {
                self.0 = rest;
                *first
            }
            [] => 0,
        }
    }

    pub(crate) fn number(&mut self) -> u32 {
        (0..4).fold(0, |number, _| number << 8 | u32::from(self.byte()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn limits(&mut self) -> Limits {
        let depth = self.byte();
        let elements = u32::from(self.byte());
        // Most values have some tens of elements, and some of them must exceed the limits.
        let elements = if elements < 200 { elements } else { u32::MAX };
        Limits { depth, elements, ..Limits::default() }
    }
}

/// The lengths at which the encodings change, and their neighbours.
const LENGTHS: [usize; 16] = [0, 1, 2, 3, 7, 8, 14, 15, 16, 17, 30, 31, 32, 33, 255, 256];

/// Appends a value, which is well-formed for any input.
pub(crate) fn made(source: &mut FuzzInput<'_>, out: &mut Vec<u8>, depth: u32) {
    let choice = source.byte();
    let length = LENGTHS[usize::from(source.byte() % 16)];
    match choice % 12 {
        0 => out.push([0xc0, 0xc2, 0xc3, 0x00, 0x7f, 0xe0, 0xff][length % 7]),
        1 => {
            let marker = 0xca + source.byte() % 15;
            let size = match marker {
                0xca => 4,
                0xcb => 8,
                0xcc..=0xcf => 1 << (marker - 0xcc),
                0xd0..=0xd3 => 1 << (marker - 0xd0),
                _ => 1 + (1 << (marker - 0xd4)),
            };
            out.push(marker);
            (0..size).for_each(|_| out.push(source.byte()));
        }
        2..=5 => {
            let width = source.byte() % 4;
            head(out, length, width, Some((0xa0, 32)), [Some(0xd9), Some(0xda), Some(0xdb)]);
            let end = out.len() + length;
            let letter = ["a", "é", "漢", "🦀"][usize::from(source.byte() % 4)];
            // The text has as many letters as fit, and ASCII at a place that the input chooses.
            let place = usize::from(source.byte());
            while out.len() < end {
                let room = end - out.len();
                let fits = letter.len() <= room && out.len() % 7 != place % 7;
                out.extend_from_slice(if fits { letter.as_bytes() } else { b"z" });
            }
        }
        6 | 7 => {
            let ext = choice % 12 == 7;
            let first = if ext { 0xc7 } else { 0xc4 };
            let markers = [Some(first), Some(first + 1), Some(first + 2)];
            head(out, length, source.byte() % 4, None, markers);
            out.extend(std::iter::repeat_n(source.byte(), length + usize::from(ext)));
        }
        kind => {
            let count = if depth == 0 { 0 } else { length % 18 };
            let width = source.byte() % 4;
            let (fix, each, markers) = match kind {
                8 | 9 => (0x80, 2, [None, Some(0xde), Some(0xdf)]),
                _ => (0x90, 1, [None, Some(0xdc), Some(0xdd)]),
            };
            head(out, count, width, Some((fix, 16)), markers);
            for _ in 0..count * each {
                // An input without further bytes gives the smallest values.
                if source.is_empty() { out.push(0xc0) } else { made(source, out, depth - 1) }
            }
        }
    }
}

/// Appends a head for `count`, in the form number `width`, or in the next wider form that fits.
fn head(
    out: &mut Vec<u8>,
    count: usize,
    width: u8,
    fix: Option<(u8, usize)>,
    [one, two, four]: [Option<u8>; 3],
) {
    let bytes = (count as u32).to_be_bytes();
    match (fix, one, two, four) {
        (Some((fix, below)), ..) if width == 0 && count < below => out.push(fix | count as u8),
        (_, Some(marker), ..) if width <= 1 && count < 0x100 => out.extend([marker, bytes[3]]),
        (_, _, Some(marker), _) if width <= 2 => out.extend([marker, bytes[2], bytes[3]]),
        (.., marker) => {
            out.extend(marker);
            out.extend(bytes);
        }
    }
}

/// Changes bytes or cuts them off, as the input says. An empty input changes nothing.
pub(crate) fn damage(source: &mut FuzzInput<'_>, bytes: &mut Vec<u8>) {
    while !source.is_empty() && !bytes.is_empty() {
        let how = source.byte();
        let at = (usize::from(source.byte()) << 8 | usize::from(source.byte())) % bytes.len();
        match how % 4 {
            0 => bytes[at] = source.byte(),
            1 => bytes[at] ^= 1 << (source.byte() % 8),
            2 => bytes.truncate(at),
            _ => bytes.insert(at, source.byte()),
        }
    }
}
