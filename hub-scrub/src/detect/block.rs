//! 64 bytes at a time into bit masks: which bytes can start something.
//!
//! Without the masks every byte of every text would be looked at by itself, which takes several times
//! as long.

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch};
use hub_wire::marker::STR_8;

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
    /// `A-Z _`: what is in tokens and seldom in other long runs
    pub(super) upper: u64,
    /// What may begin a character that stands for another one: UTF-8 of all but U+00C0 to U+02BF
    /// and U+4000 to U+9FFF
    pub(super) odd: u64,
    /// The marker of a `str 8`
    pub(super) str8: u64,
}

/// All masks of a block. A function of its own for each kind of machine: where it is part of a larger
/// one, the compiler takes the block apart byte by byte.
#[inline]
pub(super) fn masks(level: Level, block: &[u8; BLOCK], into: &mut Masks) {
    dispatch!(level, simd => *into = classify::<_, true>(simd, block));
}

/// The masks of a block that the scan of one text reads: `digit`, `letter`, `token`, `at`, `colon` and
/// `point`. The other six stay 0. Only the prefilter reads them, and the scan would be slower with them.
#[inline]
pub(super) fn masks_for_scan(level: Level, block: &[u8; BLOCK], into: &mut Masks) {
    dispatch!(level, simd => *into = classify::<_, false>(simd, block));
}

/// It has to be inlined into code that was made for `simd`.
#[inline(always)]
fn classify<S: Simd, const ALL: bool>(simd: S, block: &[u8; BLOCK]) -> Masks {
    let mut masks = Masks::default();
    // As many bytes at once as the machine's registers hold: wider values do not stay in registers.
    let mut at = 0;
    while at < BLOCK {
        let bytes = S::u8s::from_slice(simd, &block[at..at + S::u8s::LEN]);
        add::<S, ALL>(simd, bytes, at, &mut masks);
        at += S::u8s::LEN;
    }
    masks
}

/// Adds the masks of the bytes from place `at` on: all, or those of the scan.
#[inline(always)]
fn add<S: Simd, const ALL: bool>(simd: S, bytes: S::u8s, at: usize, masks: &mut Masks) {
    let all = |c: u8| S::u8s::splat(simd, c);
    let is = |c: u8| bytes.simd_eq(all(c));
    // Bytes from `first` to `last`, in one unsigned comparison.
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

/// The mask moved so that bit `i` is about the byte `by` places before byte `i`.
#[inline(always)]
pub(super) fn behind(mask: u64, before: u64, by: u32) -> u64 {
    mask << by | before >> (64 - by)
}

/// Characters of the shortest run that can be a token or a secret.
pub(super) const LONG_RUN: usize = 16;

/// The bytes at which a stretch of [`LONG_RUN`] token characters ends, from the block before on.
#[inline]
pub(super) fn ends_of_long_runs(token: u64, before: u64) -> u64 {
    // Bit `i` stays if the bits from `i` on, `LONG_RUN` of them, are set.
    let mut long = u128::from(token) << BLOCK | u128::from(before);
    for by in [1, 2, 4, 8] {
        long &= long >> by;
    }
    // Now bit `i` is the stretch that ends in byte `i` of this block.
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
                    let Masks { digit, letter, token, at, colon, point, .. } = expected;
                    let rest = Masks::default();
                    let expected = Masks { digit, letter, token, at, colon, point, ..rest };
                    assert_eq!(found, expected, "{b:#x} at {place}");
                }
            }
        }
    }
}
