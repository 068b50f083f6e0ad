//! Checks that the bytes of a string are UTF-8. There is a way for short strings, for many short strings
//! together, and for long ones; each is the fastest for its lengths.
//!
//! Without a strict check here, a string that is not UTF-8 would surface in some subscriber's decoder.

use crate::marker::FIXSTR;

/// This is the size of a marker and the longest string whose length the marker itself states: 31 bytes.
pub(super) const WINDOW: usize = 32;

/// Returns whether the `len` bytes behind the marker are ASCII. The check reads the whole window and masks
/// out what follows the string, so that there is no branch on the length.
#[inline]
pub(super) fn starts_with_ascii(window: &[u8; WINDOW], len: usize) -> bool {
    let mask = &HIGH_BITS[len];
    let word = |n: usize| {
        window[8 * n..].first_chunk().map_or(0, |word| u64::from_ne_bytes(*word) & mask[n])
    };
    word(0) | word(1) | word(2) | word(3) == 0
}

/// The table has, for each length of a short string, the high bits of the string's bytes in a window.
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

/// The table has, for each marker, a bit for each byte of the window that the marker begins. The bit is set
/// if the byte belongs to the text of a short string. The lowest bit stands for the marker. For a marker of
/// another kind, no bit is set.
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

/// From this length on, in bytes, a validator with SIMD is faster than that of the standard library.
const LONG: usize = 64;

/// Returns whether a string of any length is UTF-8. Most strings are ASCII, which is the fastest check.
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

/// Collects short strings, to validate them together. They stand one behind another, each with an ASCII
/// byte in front.
///
/// An incomplete character at the end of a string is followed by that byte, which makes it a fault. So the
/// bytes are UTF-8 together exactly if each string is. If the strings were validated one by one, every
/// character that is not ASCII would be a branch that the processor cannot predict.
#[derive(Debug)]
pub(super) struct Joined<const ROOM: usize> {
    bytes: [u8; ROOM],
    end: usize,
}

impl<const ROOM: usize> Joined<ROOM> {
    /// Returns a collection without any string. `ROOM` is its size in bytes. It must be enough for all
    /// strings, each with one byte in front, and for one more window.
    pub(super) fn new() -> Self {
        const { assert!(ROOM >= LONG + WINDOW) };
        Joined { bytes: [0; ROOM], end: 0 }
    }

    /// Adds the string whose marker begins `window`.
    #[inline]
    pub(super) fn add(&mut self, window: &[u8; WINDOW]) {
        if let Some(room) = self.bytes[self.end..].first_chunk_mut::<WINDOW>() {
            // A copy of a fixed size has no branch. The next string overwrites what was copied too much.
            *room = *window;
            room[0] = 0;
        }
        self.end += 1 + usize::from(window[0] & 0x1f);
    }

    /// Returns whether all strings are UTF-8.
    pub(super) fn is_utf8(&mut self) -> bool {
        self.bytes[self.end..][..WINDOW].fill(0);
        // The zeros fill up a shorter text to the length from which on the validator is fast.
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
