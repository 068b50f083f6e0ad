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
    /// `@` and `:`
    pub(super) mark: u64,
    /// `.`
    pub(super) point: u64,
}

/// The masks of the first `len` bytes; the rest of the block has to be zero.
#[inline(always)]
pub(super) fn classify(block: &[u8; BLOCK], len: usize) -> Masks {
    let mut masks = Masks::default();
    for (lane, bytes) in block.as_chunks::<16>().0.iter().enumerate() {
        if lane * 16 >= len {
            break;
        }
        let [digit, letter, token, mark, point] = lane_masks(bytes);
        let shift = lane * 16;
        masks.digit |= u64::from(digit) << shift;
        masks.letter |= u64::from(letter) << shift;
        masks.token |= u64::from(token) << shift;
        masks.mark |= u64::from(mark) << shift;
        masks.point |= u64::from(point) << shift;
    }
    masks
}

#[inline(always)]
fn lane_masks(lane: &[u8; 16]) -> [u32; 5] {
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
    let mark = is(b'@') | is(b':');
    [digit, letter, token, mark, is(b'.')].map(u8x16::to_bitmask)
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
                    mark: bit(b == b'@' || b == b':'),
                    point: bit(b == b'.'),
                };
                assert_eq!(classify(&block, BLOCK), expected, "{b:#x} at {place}");
            }
        }
    }
}
