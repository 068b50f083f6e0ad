//! This module turns 64 bytes at a time into bit masks, which say where a match could begin.
//!
//! Without the masks, the scan would read every byte of every text by itself, which takes several times
//! as long.

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch};
use hub_wire::marker::STR_8;

/// A block has this many bytes.
pub(super) const BLOCK: usize = 64;

/// `Masks` has the bit masks of one block. In each mask, bit `i` says whether byte `i` of the block is in
/// the class of the mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Masks {
    /// The class is `0-9`.
    pub(super) digit: u64,
    /// The class is `A-Z a-z`.
    pub(super) letter: u64,
    /// The class is the token characters, of which long tokens consist: letters, digits and `_ - + /`.
    pub(super) token: u64,
    /// The class is `@`.
    pub(super) at: u64,
    /// The class is `:`.
    pub(super) colon: u64,
    /// The class is `=`.
    pub(super) equals: u64,
    /// The class is `.`.
    pub(super) point: u64,
    /// The class is what may join the digits of a number: a space and `- . / ( )`.
    pub(super) join: u64,
    /// The class is `0-9 a-f`.
    pub(super) hex: u64,
    /// The class is `-`.
    pub(super) dash: u64,
    /// The class is `A-Z _`. Tokens have these characters, and other long runs seldom do.
    pub(super) upper: u64,
    /// The class is the first bytes of the characters that [`fold`](super::fold) may replace. It has the
    /// first bytes of all non-ASCII characters except for U+00C0 to U+02BF and U+4000 to U+9FFF.
    pub(super) odd: u64,
    /// The class is the marker of a `str 8`.
    pub(super) str8: u64,
}

/// Computes all masks of a block. `dispatch!` makes one function for each kind of processor. If this code
/// were inlined into a larger function, the compiler would process the block byte by byte.
#[inline]
pub(super) fn masks(level: Level, block: &[u8; BLOCK], into: &mut Masks) {
    dispatch!(level, simd => *into = classify::<_, true>(simd, block));
}

/// Computes the masks that the scan of one text reads: `digit`, `letter`, `token`, `at`, `colon`, `equals` and
/// `point`. The other six stay 0. Only the prefilter reads them, and they would slow down the scan.
#[inline]
pub(super) fn masks_for_scan(level: Level, block: &[u8; BLOCK], into: &mut Masks) {
    dispatch!(level, simd => *into = classify::<_, false>(simd, block));
}

/// Computes the masks of a block. The function has to be inlined into code that was compiled for the
/// instructions of `simd`.
#[inline(always)]
fn classify<S: Simd, const ALL: bool>(simd: S, block: &[u8; BLOCK]) -> Masks {
    let mut masks = Masks::default();
    // One turn handles as many bytes as a register holds, because wider values do not stay in registers.
    let mut at = 0;
    while at < BLOCK {
        let bytes = S::u8s::from_slice(simd, &block[at..at + S::u8s::LEN]);
        add::<S, ALL>(simd, bytes, at, &mut masks);
        at += S::u8s::LEN;
    }
    masks
}

/// Adds the masks of the bytes from the offset `at` of the block on. If `ALL` is false, it adds only the
/// masks that the scan reads.
#[inline(always)]
fn add<S: Simd, const ALL: bool>(simd: S, bytes: S::u8s, at: usize, masks: &mut Masks) {
    let all = |c: u8| S::u8s::splat(simd, c);
    let is = |c: u8| bytes.simd_eq(all(c));
    // One unsigned comparison checks for bytes from `first` to `last`.
    let range =
        |bytes: S::u8s, first: u8, last: u8| (bytes - all(first)).simd_le(all(last - first));
    let digit = range(bytes, b'0', b'9');
    let letter = range(bytes | all(0x20), b'a', b'z');
    let (dash, point, slash) = (is(b'-'), is(b'.'), is(b'/'));
    let token = digit | letter | dash | is(b'_') | is(b'+') | slash;
    let put = |field: &mut u64, mask: S::mask8s| *field |= mask.to_bitmask() << at;
    put(&mut masks.digit, digit);
    put(&mut masks.letter, letter);
    put(&mut masks.token, token);
    put(&mut masks.at, is(b'@'));
    put(&mut masks.colon, is(b':'));
    put(&mut masks.equals, is(b'='));
    put(&mut masks.point, point);
    if !ALL {
        return;
    }
    let join = dash | point | slash | range(bytes, b'(', b')') | is(b' ');
    let hex = digit | range(bytes, b'a', b'f');
    let upper = range(bytes, b'A', b'Z') | is(b'_');
    let odd = is(0xc2) | range(bytes, 0xcb, 0xe3) | range(bytes, 0xea, 0xff);
    put(&mut masks.join, join);
    put(&mut masks.hex, hex);
    put(&mut masks.dash, dash);
    put(&mut masks.upper, upper);
    put(&mut masks.odd, odd);
    put(&mut masks.str8, is(STR_8));
}

/// Returns the mask moved so that bit `i` stands for the byte `by` bytes in front of byte `i`. `before` is
/// the mask of the previous block.
#[inline(always)]
pub(super) fn behind(mask: u64, before: u64, by: u32) -> u64 {
    mask << by | before >> (64 - by)
}

/// A run that can be a token or a secret has at least this many characters.
pub(super) const LONG_RUN: usize = 16;

/// Returns the bytes of a block at which [`LONG_RUN`] token characters in a row end. `before` is the mask of
/// the previous block, in which they may begin.
#[inline]
pub(super) fn ends_of_long_runs(token: u64, before: u64) -> u64 {
    // Bit `i` stays if it and the next `LONG_RUN - 1` bits are set.
    let mut long = u128::from(token) << BLOCK | u128::from(before);
    for by in [1, 2, 4, 8] {
        long &= long >> by;
    }
    // After the shift, bit `i` stands for the characters in a row that end in byte `i` of this block.
    (long >> (BLOCK + 1 - LONG_RUN)) as u64
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Masks, STR_8, masks, masks_for_scan};
    use fearless_simd::Level;

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
                    equals: bit(b == b'='),
                    point: bit(b == b'.'),
                    join: bit(b" -./()".contains(&b)),
                    hex: bit(matches!(b, b'0'..=b'9' | b'a'..=b'f')),
                    dash: bit(b == b'-'),
                    upper: bit(b.is_ascii_uppercase() || b == b'_'),
                    odd: bit(matches!(b, 0xc2 | 0xcb..=0xe3 | 0xea..)),
                    str8: bit(b == STR_8),
                };
                for level in [Level::new(), Level::baseline()] {
                    let mut found = Masks::default();
                    masks(level, &block, &mut found);
                    assert_eq!(found, expected, "{b:#x} at {place}");
                    masks_for_scan(level, &block, &mut found);
                    let Masks { digit, letter, token, at, colon, equals, point, .. } = expected;
                    let rest = Masks::default();
                    let expected = Masks { digit, letter, token, at, colon, equals, point, ..rest };
                    assert_eq!(found, expected, "{b:#x} at {place}");
                }
            }
        }
    }
}
