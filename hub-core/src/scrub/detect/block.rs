//! 64 bytes at a time into bit masks: which bytes can start something.

use wide::u8x16;

/// Bytes of a block.
pub(super) const BLOCK: usize = 64;

/// Bit `i` stands for byte `i` of the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Masks {
    /// `0-9`
    pub(super) digit: u64,
    /// `A-Z a-z`
    pub(super) letter: u64,
    /// What long tokens consist of: letters, digits, `_ - + /`
    pub(super) token: u64,
    /// `@`
    pub(super) at: u64,
    /// `:`
    pub(super) colon: u64,
    /// `.`
    pub(super) point: u64,
    /// What may stand between the digits of a number: ` - . / ( )`
    pub(super) join: u64,
    /// `0-9 a-f`
    pub(super) hex: u64,
    /// `-`
    pub(super) dash: u64,
    /// What is beyond ASCII
    pub(super) high: u64,
    /// The marker of a `str 8`
    pub(super) str8: u64,
}

/// The masks of the first `len` bytes; the rest of the block has to be zero.
#[inline(always)]
pub(super) fn classify(block: &[u8; BLOCK], len: usize) -> Masks {
    let mut masks = Masks::default();
    for (lane, bytes) in block.as_chunks::<16>().0.iter().enumerate() {
        if lane * 16 >= len {
            break;
        }
        let shift = lane * 16;
        let fields = [
            &mut masks.digit,
            &mut masks.letter,
            &mut masks.token,
            &mut masks.at,
            &mut masks.colon,
            &mut masks.point,
            &mut masks.join,
            &mut masks.hex,
            &mut masks.dash,
            &mut masks.high,
            &mut masks.str8,
        ];
        for (field, bits) in fields.into_iter().zip(lane_masks(bytes)) {
            *field |= u64::from(bits) << shift;
        }
    }
    masks
}

#[inline(always)]
fn lane_masks(lane: &[u8; 16]) -> [u32; 11] {
    let bytes = u8x16::new(*lane);
    let is = |c: u8| bytes.simd_eq(u8x16::splat(c));
    // Bytes from `first` to `last`, in one unsigned comparison.
    let range = |bytes: u8x16, first: u8, last: u8| {
        let from_first = bytes - u8x16::splat(first);
        from_first.min(u8x16::splat(last - first)).simd_eq(from_first)
    };
    let digit = range(bytes, b'0', b'9');
    let letter = range(bytes | u8x16::splat(0x20), b'a', b'z');
    let (dash, point, slash) = (is(b'-'), is(b'.'), is(b'/'));
    let token = digit | letter | dash | is(b'_') | is(b'+') | slash;
    let join = dash | point | slash | range(bytes, b'(', b')') | is(b' ');
    let hex = digit | range(bytes, b'a', b'f');
    let high = range(bytes, 0x80, 0xff);
    let (at, colon, str8) = (is(b'@'), is(b':'), is(0xd9));
    [digit, letter, token, at, colon, point, join, hex, dash, high, str8].map(u8x16::to_bitmask)
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Masks, classify};

    #[test]
    fn every_byte_has_its_class_in_every_place() {
        for b in 0..=u8::MAX {
            for place in 0..BLOCK {
                let mut block = [0; BLOCK];
                block[place] = b;
                let bit = |set: bool| u64::from(set) << place;
                let token = b.is_ascii_alphanumeric() || b"_-+/".contains(&b);
                let expected = Masks {
                    digit: bit(b.is_ascii_digit()),
                    letter: bit(b.is_ascii_alphabetic()),
                    token: bit(token),
                    at: bit(b == b'@'),
                    colon: bit(b == b':'),
                    point: bit(b == b'.'),
                    join: bit(b" -./()".contains(&b)),
                    hex: bit(matches!(b, b'0'..=b'9' | b'a'..=b'f')),
                    dash: bit(b == b'-'),
                    high: bit(!b.is_ascii()),
                    str8: bit(b == 0xd9),
                };
                assert_eq!(classify(&block, BLOCK), expected, "{b:#x} at {place}");
            }
        }
    }
}
