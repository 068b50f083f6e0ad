//! The fast path reads a message to see whether any rule could find anything in it. In most messages no rule
//! could.
//!
//! It reads the values that a [`MessagePass`](super::message_pass::MessagePass) reads, but checks only
//! whether a rule names a key, and whether a text or a number can hold a find. If neither is the case, a
//! pass would find nothing. Otherwise a pass has to go over the message. Without the fast path, every
//! message would cost a whole pass.

use super::scratch::PassScratch;
use super::text::NUMBER;
use crate::detect::{Candidates, Digits, READS};
use crate::matching::{FindScratch, key_as_text};
use crate::model::{ValueHead, is_whole, read};
use crate::plan::{FastPathPlan, Plan};
use hub_wire::Limits;
use hub_wire::marker::{
    FALSE, FIXARRAY, FIXMAP, FIXSTR, FLOAT_64, INT_8, INT_16, NEGATIVE_FIXINT, NIL, TRUE, UINT_8,
    UINT_16, UINT_32, UINT_64, is_fixstr,
};

/// A `FastPathWalk` is the state of the fast path while it reads a payload or headers.
struct FastPathWalk<'a> {
    plan: &'a Plan,
    fast_path: &'a FastPathPlan,
    bytes: &'a [u8],
    candidates: &'a Candidates,
    /// The next candidate is at this offset. Between the current value and it, detectors find nothing.
    next: usize,
    finding: &'a mut FindScratch,
    /// A pass would pay for this many reads at most.
    reads: u64,
    /// The fast path ends when it has taken this many reads.
    limit: u64,
}

/// The fast path may take this part of the budget before it leaves a message to a pass. What it has read by
/// then is read again, and nobody pays for it.
const SHARE: u64 = 8;

impl Plan {
    /// Returns the most steps that a pass takes over bytes in which it finds nothing, without the reads of
    /// detectors. A value has at least one byte. It takes one step, and more for the states of paths.
    fn most_steps(&self, bytes: &[u8]) -> u64 {
        bytes.len() as u64 * (1 + self.paths.most_steps())
    }

    /// Returns `None` unless no rule finds anything in a payload or in headers, and a pass would stay within
    /// the budget. Otherwise the result is the most steps that the pass would have taken. `skipped` is that
    /// number for the payload of the event, if the fast path has replaced that pass.
    pub(super) fn is_clean(
        &self,
        bytes: &[u8],
        skipped: u64,
        scratch: &mut PassScratch,
    ) -> Option<u64> {
        scratch.candidates_known = false;
        let fast_path = self.fast_path.as_ref()?;
        let mut all = scratch.steps;
        all.add(scratch.quick_steps + skipped + self.most_steps(bytes));
        let left = all.reads_left();
        if left == 0 {
            return None;
        }
        let (mut next, mut reads) = (usize::MAX, 0);
        if fast_path.detecting {
            let limit = scratch.steps.reads_left();
            self.finder.candidates(bytes, limit, &mut scratch.candidates);
            scratch.candidates_known = true;
            next = scratch.candidates.next(0);
            reads = scratch.candidates.reads() + READS;
        }
        let limit = left.min(reads + scratch.steps.limit().saturating_mul(READS) / SHARE);
        let PassScratch { candidates, finding, .. } = scratch;
        let mut walk =
            FastPathWalk { plan: self, fast_path, bytes, candidates, next, finding, reads, limit };
        walk.value(0, b"", Limits::MAX_DEPTH)?;
        let steps = self.most_steps(bytes) + walk.reads.div_ceil(READS);
        (walk.reads <= walk.limit).then_some(steps)
    }
}

/// The methods that read a part of the message return the offset behind it. They return `None` if a rule
/// may find something there, or if the bytes are no MessagePack.
impl<'a> FastPathWalk<'a> {
    /// Reads the entries of a map.
    #[inline(never)]
    fn entries(&mut self, mut pos: usize, count: usize, depth: u8) -> Option<usize> {
        for _ in 0..count {
            let (end, key) = self.key(pos)?;
            pos = self.value(end, key, depth)?;
        }
        Some(pos)
    }

    /// Reads the values of an array. Each of them counts as a value under the key of the array.
    #[inline(never)]
    fn values(&mut self, mut pos: usize, count: usize, key: &[u8], depth: u8) -> Option<usize> {
        for _ in 0..count {
            pos = self.value(pos, key, depth)?;
        }
        Some(pos)
    }

    /// Reads a key. Returns the offset behind it and its text.
    #[inline(always)]
    fn key(&mut self, at: usize) -> Option<(usize, &'a [u8])> {
        let (end, key) = match self.short_text(at, b"") {
            Some(short) => short?,
            None => match read(self.bytes, at)? {
                (ValueHead::Array(_) | ValueHead::Map(_), _) => return None,
                (ValueHead::Str(key), _) => (self.rare_value(at, b"", 0)?, key),
                _ => (self.rare_value(at, b"", 0)?, &b""[..]),
            },
        };
        let named = self.fast_path.names.may_have(key) && self.plan.names(key);
        (!named && self.plan.kinds_of(key) == 0).then_some((end, key))
    }

    /// Reads a value under a key, with everything inside it. It may have at most `depth` containers inside
    /// one another, because each of them takes space on the stack of the thread.
    #[inline(always)]
    fn value(&mut self, at: usize, key: &[u8], depth: u8) -> Option<usize> {
        match self.short_text(at, key) {
            Some(short) => short.map(|(end, _)| end),
            None => self.other_value(at, key, depth),
        }
    }

    /// Reads a string of up to 31 bytes, as most values are. Returns the offset behind it and its text. The
    /// outer `None` means that the value is no such string.
    #[inline(always)]
    fn short_text(&mut self, at: usize, key: &[u8]) -> Option<Option<(usize, &'a [u8])>> {
        let marker = self.bytes.get(at).filter(|marker| is_fixstr(**marker))?;
        let end = at + 1 + usize::from(marker & 0x1f);
        let Some(body) = self.bytes.get(at + 1..end) else { return Some(None) };
        let clean = end <= self.next || self.is_candidate_text_clean(body, end, key);
        Some(clean.then_some((end, body)))
    }

    /// Reads a value that is no short string. The frequent types are read here without a [`ValueHead`],
    /// because it is slow to pass on.
    #[inline(never)]
    fn other_value(&mut self, at: usize, key: &[u8], depth: u8) -> Option<usize> {
        let (marker, behind) = self.bytes.get(at..)?.split_first()?;
        let clean_if = |clean: bool, size: usize| clean.then_some(at + size);
        match *marker {
            ..FIXMAP | NEGATIVE_FIXINT.. | NIL | FALSE | TRUE => Some(at + 1),
            // No built-in detector finds anything in five digits, and a plan with patterns has no fast path.
            UINT_8 | INT_8 => Some(at + 2),
            UINT_16 | INT_16 => Some(at + 3),
            UINT_32 => {
                let n = u32::from_be_bytes(*behind.first_chunk()?);
                clean_if(self.is_number_clean(n.into(), false, key), 5)
            }
            UINT_64 => {
                let n = u64::from_be_bytes(*behind.first_chunk()?);
                clean_if(self.is_number_clean(n, false, key), 9)
            }
            FLOAT_64 => {
                let n = f64::from_be_bytes(*behind.first_chunk()?);
                clean_if(self.is_float_clean(n, key), 9)
            }
            FIXMAP..FIXARRAY => {
                self.entries(at + 1, usize::from(marker & 0x0f), depth.checked_sub(1)?)
            }
            FIXARRAY..FIXSTR => {
                self.values(at + 1, usize::from(marker & 0x0f), key, depth.checked_sub(1)?)
            }
            _ => self.rare_value(at, key, depth),
        }
    }

    /// Reads a value of any type, by its [`ValueHead`].
    #[inline(never)]
    fn rare_value(&mut self, at: usize, key: &[u8], depth: u8) -> Option<usize> {
        let (head, end) = read(self.bytes, at)?;
        let clean = match head {
            ValueHead::Map(count) => return self.entries(end, count, depth.checked_sub(1)?),
            ValueHead::Array(count) => return self.values(end, count, key, depth.checked_sub(1)?),
            ValueHead::Str(body) if end - at - body.len() <= CANDIDATE_HEAD => {
                self.is_candidate_text_clean(body, end, key)
            }
            ValueHead::Str(body) => !self.fast_path.detecting || self.finds_nothing(body, key),
            ValueHead::Bin(body) | ValueHead::Ext(_, body) => {
                !self.fast_path.detecting || body.is_empty()
            }
            ValueHead::UInt(n) => self.is_number_clean(n, false, key),
            ValueHead::Int(n) => self.is_number_clean(n.unsigned_abs(), n < 0, key),
            ValueHead::Float(n) => self.is_float_clean(n, key),
            ValueHead::Nil | ValueHead::Bool(_) => true,
        };
        clean.then_some(end)
    }

    /// Returns whether detectors find nothing in a text that ends at the offset `end`. The candidates must
    /// be complete for the text.
    #[inline(never)]
    fn is_candidate_text_clean(&mut self, body: &[u8], end: usize, key: &[u8]) -> bool {
        if !self.fast_path.detecting {
            return true;
        }
        self.next = self.candidates.next(end - body.len());
        end <= self.next || self.finds_nothing(body, key)
    }

    #[inline]
    fn is_float_clean(&mut self, n: f64, key: &[u8]) -> bool {
        // A pass searches only the digits of floats without a fraction.
        n.abs() < f64::from(u16::MAX)
            || !is_whole(n)
            || self.is_number_clean(n.abs() as u64, n.is_sign_negative(), key)
    }

    #[inline]
    fn is_number_clean(&mut self, magnitude: u64, negative: bool, key: &[u8]) -> bool {
        if !self.fast_path.detecting || !self.plan.finder.may_find_in(None, magnitude, &mut 0) {
            return true;
        }
        self.is_long_number_clean(magnitude, negative, key)
    }

    #[inline(never)]
    fn is_long_number_clean(&mut self, magnitude: u64, negative: bool, key: &[u8]) -> bool {
        let under = Some(key_as_text(key)).filter(|_| !negative);
        self.reads += (NUMBER + 1) * READS;
        !self.plan.finder.may_find_in(under, magnitude, &mut self.reads)
            || self.finds_nothing(Digits::new(magnitude, negative).as_str().as_bytes(), key)
    }

    #[inline(never)]
    fn finds_nothing(&mut self, body: &[u8], key: &[u8]) -> bool {
        let Ok(text) = std::str::from_utf8(body) else { return false };
        let key = key_as_text(key);
        self.reads += 2 * READS;
        let left = self.limit.saturating_sub(self.reads);
        self.reads += self.plan.finder.find(key, text, left, self.finding);
        self.finding.hits.is_empty() && self.reads <= self.limit
    }
}

/// The candidates are complete only for strings whose head has at most this many bytes.
const CANDIDATE_HEAD: usize = 2;
