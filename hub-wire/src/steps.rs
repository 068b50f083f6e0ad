//! Computes, for 32 bytes at once, how long a value would be that began at each byte.
//!
//! The walk over dense containers hops along these lengths, which are called steps. It needs them in
//! advance: if it read a length only when it reached the value, each value would wait for the value before.

use crate::marker::{BIN_8, Family, Marker};
use fearless_simd::prelude::*;
use fearless_simd::{u8x16, u8x32};

/// So many bytes are processed together.
pub(super) const LANES: usize = 32;

/// Returns whether this is not the length of a small value, so that the value's marker has to be read.
/// 0 stands for a marker that needs more than a step, 255 for a byte string whose end is too far away.
#[inline(always)]
pub(super) fn is_no_step(step: u8) -> bool {
    step.wrapping_add(1) < 2
}

/// Computes for each of the bytes the size of the value that would begin there. `next` has the same bytes
/// moved by one: each is the byte that follows in the message.
///
/// The function is inlined, so that it becomes part of code that is compiled for `simd`.
#[inline(always)]
pub(super) fn steps<S: Simd>(simd: S, bytes: u8x32<S>, next: u8x32<S>) -> u8x32<S> {
    let all = |byte: u8| u8x32::splat(simd, byte);
    let table = |table: &[u8; 16]| u8x32::block_splat(u8x16::from_slice(simd, table));
    let low = bytes & all(0x0f);
    let high = (bytes >> 4) & all(0x0f);
    let by_high = table(&BY_HIGH).swizzle_dyn_within_blocks(high);
    let in_c = table(&IN_C).swizzle_dyn_within_blocks(low);
    let in_d = table(&IN_D).swizzle_dyn_within_blocks(low);
    let none = all(0);
    let is_fixstr = (bytes & all(0xe0)).simd_eq(all(0xa0));
    let step = by_high
        + is_fixstr.select(low, none)
        + high.simd_eq(all(0x0c)).select(in_c, none)
        + high.simd_eq(all(0x0d)).select(in_d, none);
    step.saturating_add(bytes.simd_eq(all(BIN_8)).select(next, none))
}

/// These are the steps of the markers from 0xc0 to 0xcf.
const IN_C: [u8; 16] = row(0xc0, 0x01);
/// These are the steps of the markers from 0xd0 to 0xdf.
const IN_D: [u8; 16] = row(0xd0, 0x01);
/// These are the steps of the markers 0x00, 0x10 and so on. The 15 markers after each of them have the same
/// step, with two exceptions: short strings add the lower half of the marker, and the rows 0xc0 and 0xd0
/// have a table of their own.
const BY_HIGH: [u8; 16] = {
    let mut steps = row(0x00, 0x10);
    steps[0x0c] = 0;
    steps[0x0d] = 0;
    steps
};

const fn row(first: usize, apart: usize) -> [u8; 16] {
    let mut steps = [0; 16];
    let mut n = 0;
    while n < 16 {
        steps[n] = step(first + n * apart);
        n += 1;
    }
    steps
}

/// Returns the size of a value if the marker alone determines it, and the size of the head of a short byte
/// string. Returns 0 for all other markers.
const fn step(byte: usize) -> u8 {
    let marker = Marker::of(byte as u8);
    match marker.family {
        Family::Array | Family::Map | Family::Reserved => 0,
        _ if marker.field != 0 && byte != BIN_8 as usize => 0,
        _ => marker.size,
    }
}

#[cfg(test)]
mod tests {
    use super::{LANES, is_no_step, step, steps};
    use crate::marker::BIN_8;
    use fearless_simd::prelude::*;
    use fearless_simd::{Level, dispatch, u8x32};

    fn of(level: Level, bytes: &[u8; LANES], next: &[u8; LANES]) -> [u8; LANES] {
        let mut sizes = [0; LANES];
        dispatch!(level, simd => {
            let (bytes, next) = (u8x32::from_slice(simd, bytes), u8x32::from_slice(simd, next));
            steps(simd, bytes, next).store_slice(&mut sizes);
        });
        sizes
    }

    #[test]
    fn every_marker_has_its_step_in_every_lane_on_every_kind_of_machine() {
        for level in [Level::new(), Level::baseline()] {
            for byte in 0..=u8::MAX {
                for lane in 0..LANES {
                    let mut bytes = [0xd9; LANES];
                    bytes[lane] = byte;
                    let sizes = of(level, &bytes, &[9; LANES]);
                    let more = if byte == BIN_8 { 9 } else { 0 };
                    assert_eq!(sizes[lane], step(usize::from(byte)) + more, "{byte:#x} at {lane}");
                }
            }
        }
    }

    #[test]
    fn a_byte_string_that_is_too_long_for_a_step_has_none() {
        for len in 0..=u8::MAX {
            let sizes = of(Level::new(), &[BIN_8; LANES], &[len; LANES]);
            let fits = usize::from(len) + 2 < 255;
            assert_eq!(!is_no_step(sizes[0]), fits, "{len}");
            assert!(!fits || sizes[0] == len + 2, "{len}");
        }
    }
}
