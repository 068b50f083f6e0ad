//! Whether the bytes of a string are UTF-8, found as fast as their length allows.
//!
//! Without a strict check here, a string that is not UTF-8 would surface in some subscriber's decoder.

use crate::marker::FIXSTR;

/// A marker and the longest value that can follow it without a length: a string of 31 bytes.
pub(super) const WINDOW: usize = 32;

/// Whether `len` bytes behind the marker are ASCII. All of the window is looked at, without a
/// branch on the length: whatever stands behind the string is masked out.
#[inline]
pub(super) fn starts_with_ascii(window: &[u8; WINDOW], len: usize) -> bool {
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

/// For each marker: which bytes of the window that it begins are the text of a short string, the first
/// byte in the lowest bit. None are, where the marker is another.
pub(super) static TEXT_BITS: [u32; 256] = text_bits();

const fn text_bits() -> [u32; 256] {
    let mut bits = [0; 256];
    let mut len = 0;
    while len < WINDOW {
        bits[FIXSTR as usize + len] = ((1 << len) - 1) << 1;
        len += 1;
    }
    bits
}

/// Bytes from which on a validator with SIMD is faster than the standard library's.
const LONG: usize = 64;

/// Whether a string that may be long is UTF-8. Most are ASCII, and that shows soonest.
#[inline]
pub(super) fn is_utf8(text: &[u8]) -> bool {
    text.is_ascii() || is_utf8_beyond_ascii(text)
}

#[inline(never)]
fn is_utf8_beyond_ascii(text: &[u8]) -> bool {
    if text.len() < LONG {
        std::str::from_utf8(text).is_ok()
    } else {
        simdutf8::basic::from_utf8(text).is_ok()
    }
}

/// Short strings, which are validated together: one behind another, each with an ASCII byte in front.
///
/// That byte ends whatever character the string before it left incomplete, so all of them are UTF-8
/// exactly if each one is. Validated one by one, every character that is not ASCII would be a branch
/// that the processor cannot guess.
#[derive(Debug)]
pub(super) struct Joined<const ROOM: usize> {
    bytes: [u8; ROOM],
    end: usize,
}

impl<const ROOM: usize> Joined<ROOM> {
    /// Without any string. `ROOM` has to be enough for all strings, each with one byte in front, and for
    /// one more window.
    pub(super) fn new() -> Self {
        const { assert!(ROOM >= LONG + WINDOW) };
        Joined { bytes: [0; ROOM], end: 0 }
    }

    /// Adds the string whose marker begins `window`.
    #[inline]
    pub(super) fn add(&mut self, window: &[u8; WINDOW]) {
        if let Some(room) = self.bytes[self.end..].first_chunk_mut::<WINDOW>() {
            // A copy of a fixed size has no branch. The next string overwrites what is too much.
            *room = *window;
            room[0] = 0;
        }
        self.end += 1 + usize::from(window[0] & 0x1f);
    }

    /// Whether all of them are UTF-8.
    pub(super) fn is_utf8(&mut self) -> bool {
        self.bytes[self.end..][..WINDOW].fill(0);
        // Zeros up to the length from which on the validator uses SIMD.
        simdutf8::basic::from_utf8(&self.bytes[..self.end.max(LONG)]).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{Joined, WINDOW, starts_with_ascii};

    fn window(text: &[u8]) -> [u8; WINDOW] {
        let mut window = [0xff; WINDOW];
        window[0] = 0xa0 | text.len() as u8;
        window[1..][..text.len()].copy_from_slice(text);
        window
    }

    #[test]
    fn what_stands_behind_a_short_string_does_not_matter() {
        for len in 0..WINDOW {
            let mut text = vec![b'a'; len];
            assert!(starts_with_ascii(&window(&text), len));
            for at in 0..len {
                text[at] = 0x80;
                assert!(!starts_with_ascii(&window(&text), len), "{at} of {len}");
                text[at] = b'a';
            }
        }
    }

    #[test]
    fn joined_strings_are_utf8_exactly_if_each_is() {
        let whole = ["é", "漢字", "", "Zürich", "🦀", "a string that has 31 bytes: é"];
        // The two halves of one character are no strings, though together they would be.
        let halves: [&[u8]; 2] = [b"caf\xc3", b"\xa9"];
        for bad in [None, Some(0), Some(3), Some(6)] {
            let mut texts: Vec<&[u8]> = whole.iter().map(|text| text.as_bytes()).collect();
            if let Some(at) = bad {
                texts.splice(at..at, halves);
            }
            let mut joined = Joined::<512>::new();
            for text in texts {
                joined.add(&window(text));
            }
            assert_eq!(joined.is_utf8(), bad.is_none(), "{bad:?}");
        }
        assert!(Joined::<512>::new().is_utf8());
    }
}
