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
        let [digit, letter, token, at, colon, point, join, high, str8] = lane_masks(bytes);
        let shift = lane * 16;
        masks.digit |= u64::from(digit) << shift;
        masks.letter |= u64::from(letter) << shift;
        masks.token |= u64::from(token) << shift;
        masks.at |= u64::from(at) << shift;
        masks.colon |= u64::from(colon) << shift;
        masks.point |= u64::from(point) << shift;
        masks.join |= u64::from(join) << shift;
        masks.high |= u64::from(high) << shift;
        masks.str8 |= u64::from(str8) << shift;
    }
    masks
}

#[inline(always)]
fn lane_masks(lane: &[u8; 16]) -> [u32; 9] {
    let bytes = u8x16::new(*lane);
    let is = |c: u8| bytes.simd_eq(u8x16::splat(c));
    // Bytes from `first` to `last`, in one unsigned comparison.
    let range = |bytes: u8x16, first: u8, last: u8| {
        let from_first = bytes - u8x16::splat(first);
        from_first.min(u8x16::splat(last - first)).simd_eq(from_first)
    };
    let digit = range(bytes, b'0', b'9');
    let letter = range(bytes | u8x16::splat(0x20), b'a', b'z');
    let token = digit | letter | is(b'-') | is(b'_') | is(b'+') | is(b'/');
    let join = range(bytes, b'-', b'/') | range(bytes, b'(', b')') | is(b' ');
    let high = range(bytes, 0x80, 0xff);
    [digit, letter, token, is(b'@'), is(b':'), is(b'.'), join, high, is(0xd9)]
        .map(u8x16::to_bitmask)
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
                    high: bit(!b.is_ascii()),
                    str8: bit(b == 0xd9),
                };
                assert_eq!(classify(&block, BLOCK), expected, "{b:#x} at {place}");
            }
        }
    }
}
