//! Walks over containers of many small values in a way in which no branch depends on a value's type.
//!
//! In such a container, the types of neighbouring values are as good as random. A walk that branches on
//! the type spends most of its time on branches that the processor predicted wrongly. (A benchmark with
//! one message hides that, because the processor learns the branches of the message.) So this walk
//! first computes, for [`BLOCK`] bytes at a time, how long a value would be that began at each byte
//! ([`super::steps`]), and then hops along these lengths. It also notes the short strings that are not
//! ASCII without a branch, and validates them together ([`Joined`]).
//!
//! This walk was measured in turns with the walk with branches as it was before this module, over 512 or
//! more different messages, on two shared cores with AVX2. The figures are medians over builds whose code
//! lies differently in memory. This walk takes maps of 300 B 1.5 to 1.75 times as fast, and maps of 3 KB
//! 1.8 to 2.1 times. With an accented string in every sixth field, it is 1.8 to 2.0 and 2.1 to 2.3 times
//! as fast; with maps and arrays inside the map, 1.35 to 1.55 and 1.6 to 1.75 times. The walk with
//! branches is faster for large values, and for arrays whose values are all of one kind, so [`is_dense`]
//! and [`is_mixed`] choose. They decide only about containers of 16 entries and more, because the decision
//! alone made messages of small maps 5 to 15 % slower.
//!
//! Three other ways were not faster. A table with the size of each value, without SIMD, took as long as
//! the branches, because each value waits for two loads, one after the other. Copying the strings at
//! once, instead of noting them, took longer. Small containers inside the map as steps, counted without a
//! branch, saved as much as the counting cost.
//!
//! This module does not describe faults. At any fault it returns `None`, and the walk with branches
//! ([`super::walk`]) goes over the container again to find the first fault and its offset. So hostile
//! bytes cost at most twice the time.

use crate::Limits;
use crate::marker::{Family, Marker, is_fixstr};
use crate::steps::{LANES, is_no_step, steps};
use crate::text::{Joined, TEXT_BITS, WINDOW, is_utf8};
use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch, i8x32, u8x32};

/// The steps of so many bytes are computed together. A block is not small, because its end costs a wrong
/// prediction; and it is not large, because its steps must stay in the fastest cache.
const BLOCK: usize = 512;
/// This is the size of a block and of the bytes behind it that a window may reach.
const SPAN: usize = BLOCK + 2 * WINDOW;
/// For fewer bytes, the preparation of a block takes longer than it saves.
const FEWEST_BYTES: usize = 128;
/// A container counts as one of small values if they take at most so many bytes on average.
const SMALL: usize = 16;

/// Returns whether a container of `count` values, which has at most `len` bytes, may have many small values.
#[inline]
pub(super) fn is_dense(len: usize, count: usize) -> bool {
    len >= FEWEST_BYTES && count >= len / SMALL
}

/// Returns whether the first four values in `body` differ in kind. If they do not, the processor is likely
/// to predict the branches.
pub(super) fn is_mixed(body: &[u8]) -> bool {
    let mut at = 0;
    let mut first = None;
    for _ in 0..4 {
        let Some(byte) = body.get(at) else { return false };
        let marker = Marker::of(*byte);
        let kind = (marker.family, if is_fixstr(*byte) { 0 } else { marker.size });
        if *first.get_or_insert(kind) != kind {
            return true;
        }
        at += usize::from(marker.size) + marker.length(&body[at..]).unwrap_or(0);
    }
    false
}

/// The result of a walk over a container.
pub(super) struct Walked {
    /// The last value ends at this offset.
    pub(super) end: usize,
    /// So many more values are allowed behind the container.
    pub(super) budget: usize,
}

/// Walks `count` values from `start` on. They may contain at most `budget` further values, and at most
/// `depth` containers inside one another. Returns `None` if there is any fault.
#[inline(never)]
pub(super) fn walk(
    bytes: &[u8],
    start: usize,
    count: usize,
    depth: u8,
    budget: usize,
) -> Option<Walked> {
    let level = Level::new();
    if level.is_fallback() {
        return None;
    }
    let mut walk = Walk { bytes, left: count, open: [0; OPEN], depth: 0, limit: depth, budget };
    let walk = &mut walk;
    dispatch!(level, simd => walk.all(simd, start))
}

const OPEN: usize = Limits::MAX_DEPTH as usize;

struct Walk<'a> {
    bytes: &'a [u8],
    /// So many values are still to come, in all open containers together. Only a container changes the
    /// number by more than one, so no other value needs to know in which containers it is.
    left: usize,
    /// For each open container, this is the value that `left` will have when the container ends.
    open: [usize; OPEN],
    /// So many entries of `open` are in use. Some may belong to containers that have ended since.
    depth: usize,
    limit: u8,
    budget: usize,
}

impl Walk<'_> {
    #[inline(always)]
    fn all<S: Simd>(&mut self, simd: S, start: usize) -> Option<Walked> {
        let (mut sizes, mut noted, mut tail) = ([0; BLOCK], [0; BLOCK / 2], [0; SPAN]);
        let mut at = start;
        while self.left != 0 {
            let rest = self.bytes.get(at..)?;
            let (span, len) = match rest.first_chunk() {
                Some(span) => (span, BLOCK),
                None => {
                    fill(&mut tail, rest);
                    (&tail, rest.len().min(BLOCK))
                }
            };
            at = self.block(simd, at, span, len, &mut sizes, &mut noted)?;
        }
        (at <= self.bytes.len()).then_some(Walked { end: at, budget: self.budget })
    }

    /// Walks what begins in the first `len` bytes of `span`, which begins at `start`, and returns where
    /// the next value begins: behind the end of all bytes if the last value is cut short.
    #[inline(always)]
    fn block<S: Simd>(
        &mut self,
        simd: S,
        start: usize,
        span: &[u8; SPAN],
        len: usize,
        sizes: &mut [u8; BLOCK],
        noted: &mut [u16; BLOCK / 2],
    ) -> Option<usize> {
        if len == 0 {
            return None;
        }
        for at in (0..len).step_by(LANES) {
            let bytes = u8x32::from_slice(simd, &span[at..at + LANES]);
            let next = u8x32::from_slice(simd, &span[at + 1..at + 1 + LANES]);
            steps(simd, bytes, next).store_slice(&mut sizes[at..at + LANES]);
        }
        // These are the short strings that are not ASCII. Each takes at least two bytes.
        let mut notes = 0_usize;
        let mut left = self.left;
        let mut at = 0;
        loop {
            // There is no call in this loop, because its counters would then be in memory.
            while at < len && left != 0 {
                // Read before the window, because the compiler would otherwise extract it from the window,
                // which takes longer.
                let marker = span[at];
                let size = sizes[at];
                if is_no_step(size) {
                    break;
                }
                let window = u8x32::from_slice(simd, &span[at..at + WINDOW]).bitcast::<i8x32<S>>();
                let high = window.simd_lt(i8x32::splat(simd, 0)).to_bitmask() as u32;
                noted[notes % noted.len()] = at as u16;
                notes = notes.wrapping_add(usize::from(high & TEXT_BITS[usize::from(marker)] != 0));
                at += usize::from(size);
                left -= 1;
            }
            if at >= len || left == 0 {
                break;
            }
            self.left = left;
            at = self.other(start + at)?.checked_sub(start)?;
            left = self.left;
        }
        self.left = left;
        let noted = &noted[..notes];
        (noted.is_empty() || are_utf8(span, noted)).then(|| start + at)
    }

    /// Walks the value at `at`, which needs more than a step. Of a container, it walks only the head.
    #[inline(never)]
    fn other(&mut self, at: usize) -> Option<usize> {
        let value = self.bytes.get(at..)?;
        let marker = Marker::of(*value.first()?);
        let length = marker.length(value)?;
        let size = usize::from(marker.size) + length;
        self.left -= 1;
        match marker.family {
            Family::Reserved => return None,
            Family::Array => return self.container(at, marker, usize::from(marker.count) + length),
            Family::Map => {
                return self.container(at, marker, 2 * (usize::from(marker.count) + length));
            }
            Family::Str if !is_utf8(value.get(marker.head()..size)?) => return None,
            _ => {}
        }
        (size <= value.len()).then_some(at + size)
    }

    /// Opens a container of `count` values.
    fn container(&mut self, at: usize, marker: Marker, count: usize) -> Option<usize> {
        // Only this loop takes off the containers that have ended. `left` was one more before this value.
        while self.depth > 0 && self.left < self.open[self.depth - 1] {
            self.depth -= 1;
        }
        let body = at + usize::from(marker.size);
        if self.depth >= usize::from(self.limit) || count > self.bytes.len().checked_sub(body)? {
            return None;
        }
        self.budget = self.budget.checked_sub(count)?;
        *self.open.get_mut(self.depth)? = self.left;
        self.depth += 1;
        self.left += count;
        Some(body)
    }
}

/// Copies `rest`, which is too short for a span, into one. The bytes of the span behind `rest` are never
/// used, because a value that reaches them is cut short.
#[inline(always)]
fn fill(span: &mut [u8; SPAN], rest: &[u8]) {
    // The copies have a fixed size. A copy of any size would branch on it, and the processor would predict
    // the branch wrongly.
    let (whole, part) = rest.as_chunks::<LANES>();
    for (to, from) in span.as_chunks_mut().0.iter_mut().zip(whole) {
        *to = *from;
    }
    match rest.last_chunk::<LANES>() {
        Some(last) => span[rest.len() - LANES..rest.len()].copy_from_slice(last),
        None => span[..part.len()].copy_from_slice(part),
    }
}

/// Returns whether the short strings that begin at these offsets are UTF-8.
#[inline(never)]
fn are_utf8(span: &[u8; SPAN], begins: &[u16]) -> bool {
    let mut joined = Joined::<SPAN>::new();
    for at in begins {
        let Some(window) = span[usize::from(*at)..].first_chunk() else { return false };
        joined.add(window);
    }
    joined.is_utf8()
}
