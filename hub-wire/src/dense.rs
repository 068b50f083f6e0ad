//! The walk over containers of many small values, made so that no branch depends on a value's type.
//!
//! In such a container the types of neighbouring values are as good as random, and a walk that branches
//! on them waits for a wrong guess of the processor at every other value: most of its time. (A benchmark
//! with one message hides that, because the processor learns the message by heart.) This walk therefore
//! computes, for [`BLOCK`] bytes at a time, how long a value would be that began at each of them
//! ([`super::steps`]), and then hops along these lengths. Short strings that are not ASCII are noted
//! without a branch, too, and validated together ([`Joined`]).
//!
//! Measured in turns with the walk with branches alone, as it was before this module, each over at least
//! 512 different messages, on two shared cores with AVX2; the figures are medians over builds whose code
//! lies differently in memory. Maps of 300 B are walked 1.5 to 1.75 times as fast, maps of 3 KB 1.8 to
//! 2.1 times. With an accented string in every sixth field, it is 1.8 to 2.0 and 2.1 to 2.3 times; with
//! maps and arrays inside the map, 1.35 to 1.55 and 1.6 to 1.75 times. For large values, and for
//! arrays whose values are all of one kind, the walk with branches is the faster one, so [`is_dense`] and
//! [`is_mixed`] choose. They are asked about containers of 16 entries and more only: the question alone
//! made messages of small maps 5 to 15 % slower. Tried as well: the size of
//! each value from a table, without SIMD. That took as long as the branches, because each value waits for
//! two loads, one after the other. Strings copied at once in place of noted, for validation together, were
//! slower, too.
//!
//! Nothing here says what is wrong. At any fault the answer is `None`, and the walk with branches
//! ([`super::walk`]) goes over the container again to find the first fault and its offset; so hostile bytes
//! cost at most twice the time.

use crate::Limits;
use crate::marker::{Family, Marker, is_fixstr};
use crate::steps::{LANES, is_no_step, steps};
use crate::text::{Joined, TEXT_BITS, WINDOW, is_utf8};
use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch, i8x32, u8x32};

/// Bytes whose steps are computed together. The end of a block costs a wrong guess, so it is not small;
/// and its steps have to stay in the fastest cache.
const BLOCK: usize = 512;
/// A block, and what a window that begins in it may reach.
const SPAN: usize = BLOCK + 2 * WINDOW;
/// Fewest bytes for which the blocks' preparation pays.
const FEWEST_BYTES: usize = 128;
/// Most bytes that a value takes on average where values count as small.
const SMALL: usize = 16;

/// Whether a container of `count` values, which has at most `len` bytes, may have many small values.
#[inline]
pub(super) fn is_dense(len: usize, count: usize) -> bool {
    len >= FEWEST_BYTES && count >= len / SMALL
}

/// Whether the first values that begin `body` differ in kind. Where they do not, the processor guesses
/// the branches.
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

/// Where a container's last value ends.
pub(super) struct Walked {
    pub(super) end: usize,
    /// How many more values there may be behind it.
    pub(super) budget: usize,
}

/// Walks `count` values from `start` on, which may hold `budget` values more, with at most `depth`
/// containers inside one another. `None` if there is any fault.
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
    /// How many values there are still to come, in all open containers. Only a container changes it by
    /// more than one, so whatever else comes needs no look at the containers it is in.
    left: usize,
    /// For each open container, `left` as it will be when the container ends.
    open: [usize; OPEN],
    /// How many containers are open, or have ended and were not yet taken off.
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
        // The short strings that are not ASCII. One takes two bytes at least.
        let mut notes = 0_usize;
        let mut left = self.left;
        let mut at = 0;
        loop {
            // No call in here: what it counts would go through memory.
            while at < len && left != 0 {
                // Before the window: else the compiler takes it out of there, which takes longer.
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

    /// Walks the value at `at`, which needs more than a step: of a container, its head.
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
        // Those that have ended are taken off here and nowhere else; `left` was one more before this.
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

/// Puts `rest`, which is too short for a span, where one fits. What stands behind it is never used: a
/// value that reaches that far is cut short.
#[inline(always)]
fn fill(span: &mut [u8; SPAN], rest: &[u8]) {
    // Copies of a fixed size: one of any size would branch on it, and the processor guess wrong.
    let (whole, part) = rest.as_chunks::<LANES>();
    for (to, from) in span.as_chunks_mut().0.iter_mut().zip(whole) {
        *to = *from;
    }
    match rest.last_chunk::<LANES>() {
        Some(last) => span[rest.len() - LANES..rest.len()].copy_from_slice(last),
        None => span[..part.len()].copy_from_slice(part),
    }
}

/// Whether the short strings that begin at these offsets are UTF-8.
#[inline(never)]
fn are_utf8(span: &[u8; SPAN], begins: &[u16]) -> bool {
    let mut joined = Joined::<SPAN>::new();
    for at in begins {
        let Some(window) = span[usize::from(*at)..].first_chunk() else { return false };
        joined.add(window);
    }
    joined.is_utf8()
}
