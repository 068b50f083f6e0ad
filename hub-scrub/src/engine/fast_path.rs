//! The fast path through a message in which no rule can find anything, as in most messages.
//!
//! It reads the same values as [`MessagePass`](super::message_pass::MessagePass) does, but checks only
//! whether a rule names a key, and whether a text or a number can hold a find. If neither is the case, a
//! pass would find nothing. Otherwise a pass has to go over the message. Without the fast path, every
//! message would cost a whole pass.

use super::scratch::PassScratch;
use crate::detect::{Candidates, Digits};
use crate::matching::FindScratch;
use crate::model::{ValueHead, is_whole, read};
use crate::plan::{FastPathPlan, Plan};
use hub_wire::Limits;
use hub_wire::marker::{
    FALSE, FIXARRAY, FIXMAP, FIXSTR, FLOAT_64, INT_8, INT_16, NEGATIVE_FIXINT, NIL, TRUE, UINT_8,
    UINT_16, UINT_32, UINT_64, is_fixstr,
};

/// What a glance needs while it goes over a message.
struct FastPathWalk<'a> {
    plan: &'a Plan,
    fast_path: &'a FastPathPlan,
    bytes: &'a [u8],
    candidates: &'a Candidates,
    /// The first byte, of those not yet gone over, at which detectors could find anything.
    next: usize,
    finding: &'a mut FindScratch,
}

impl Plan {
    /// The most steps that a pass takes over bytes in which nothing is found.
    ///
    /// A step for each value, which takes a byte at least, and for each word of its path states;
    /// one for 16 bytes of text, and once more if it is scanned. A number has less text than that
    /// for each of its bytes.
    pub(super) fn most_steps(&self, bytes: &[u8]) -> u64 {
        (bytes.len() * (self.paths.width() + 1)) as u64
    }

    /// Whether no rule finds anything in a payload or in headers, and they keep to the budget if
    /// so many steps were `skipped` before. `false` is said in doubt, too.
    pub(super) fn is_clean(&self, bytes: &[u8], skipped: u64, scratch: &mut PassScratch) -> bool {
        scratch.candidates_marked = false;
        let Some(fast_path) = &self.fast_path else { return false };
        if scratch.steps + skipped + self.most_steps(bytes) > self.shared.budget.steps {
            return false;
        }
        let mut next = usize::MAX;
        if fast_path.detecting {
            self.finder.candidates(bytes, &mut scratch.candidates);
            scratch.candidates_marked = true;
            next = scratch.candidates.next(0);
        }
        let PassScratch { candidates, finding, .. } = scratch;
        let mut walk = FastPathWalk { plan: self, fast_path, bytes, candidates, next, finding };
        walk.value(0, b"", Limits::MAX_DEPTH).is_some()
    }
}

/// All that goes on to the next value returns the offset behind what it looked at; `None`: something
/// may be found there, or the bytes are no MessagePack.
impl<'a> FastPathWalk<'a> {
    /// The entries of a map.
    #[inline(never)]
    fn entries(&mut self, mut pos: usize, count: usize, depth: u8) -> Option<usize> {
        for _ in 0..count {
            let (end, key) = self.key(pos)?;
            pos = self.value(end, key, depth)?;
        }
        Some(pos)
    }

    /// The values of an array, which all stand under its own key.
    #[inline(never)]
    fn values(&mut self, mut pos: usize, count: usize, key: &[u8], depth: u8) -> Option<usize> {
        for _ in 0..count {
            pos = self.value(pos, key, depth)?;
        }
        Some(pos)
    }

    /// A key; with the offset behind it comes its text.
    #[inline(always)]
    fn key(&mut self, at: usize) -> Option<(usize, &'a [u8])> {
        let (end, key) = match self.short_text(at, b"") {
            Some(short) => short?,
            None => match read(self.bytes, at)? {
                (ValueHead::Array(_) | ValueHead::Map(_), _) => return None,
                (ValueHead::Str(key), _) => (self.seldom(at, b"", 0)?, key),
                _ => (self.seldom(at, b"", 0)?, &b""[..]),
            },
        };
        let named = self.fast_path.names.may_have(key) && self.plan.names(key);
        (!named).then_some((end, key))
    }

    /// A value under a key, with what it contains: at most `depth` containers inside one another,
    /// which bounds the stack.
    #[inline(always)]
    fn value(&mut self, at: usize, key: &[u8], depth: u8) -> Option<usize> {
        match self.short_text(at, key) {
            Some(short) => short.map(|(end, _)| end),
            None => self.no_short_text(at, key, depth),
        }
    }

    /// A string of up to 31 bytes, as most values are, and its text; the outer `None`: it is none.
    #[inline(always)]
    fn short_text(&mut self, at: usize, key: &[u8]) -> Option<Option<(usize, &'a [u8])>> {
        let marker = self.bytes.get(at).filter(|marker| is_fixstr(**marker))?;
        let end = at + 1 + usize::from(marker & 0x1f);
        let Some(body) = self.bytes.get(at + 1..end) else { return Some(None) };
        let clean = end <= self.next || self.is_marked_text_clean(body, end, key);
        Some(clean.then_some((end, body)))
    }

    /// What comes often is read here: a [`ValueHead`] is slow to pass on.
    #[inline(never)]
    fn no_short_text(&mut self, at: usize, key: &[u8], depth: u8) -> Option<usize> {
        let (marker, behind) = self.bytes.get(at..)?.split_first()?;
        let clean_if = |clean: bool, size: usize| clean.then_some(at + size);
        match *marker {
            ..FIXMAP | NEGATIVE_FIXINT.. | NIL | FALSE | TRUE => Some(at + 1),
            // No detector but a pattern finds anything in five digits.
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
            _ => self.seldom(at, key, depth),
        }
    }

    /// A value of a kind that comes seldom.
    #[inline(never)]
    fn seldom(&mut self, at: usize, key: &[u8], depth: u8) -> Option<usize> {
        let (head, end) = read(self.bytes, at)?;
        let clean = match head {
            ValueHead::Map(count) => return self.entries(end, count, depth.checked_sub(1)?),
            ValueHead::Array(count) => return self.values(end, count, key, depth.checked_sub(1)?),
            ValueHead::Str(body) if end - at - body.len() <= SURE_HEAD => {
                self.is_marked_text_clean(body, end, key)
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

    /// Whether detectors find nothing in a text that ends at `end`.
    #[inline(never)]
    fn is_marked_text_clean(&mut self, body: &[u8], end: usize, key: &[u8]) -> bool {
        if !self.fast_path.detecting {
            return true;
        }
        self.next = self.candidates.next(end - body.len());
        end <= self.next || self.finds_nothing(body, key)
    }

    #[inline]
    fn is_float_clean(&mut self, n: f64, key: &[u8]) -> bool {
        // Text are only the digits of floats without a fraction.
        n.abs() < f64::from(u16::MAX)
            || !is_whole(n)
            || self.is_number_clean(n.abs() as u64, n.is_sign_negative(), key)
    }

    #[inline]
    fn is_number_clean(&mut self, magnitude: u64, negative: bool, key: &[u8]) -> bool {
        if !self.fast_path.detecting || !self.plan.finder.may_find_in(None, magnitude) {
            return true;
        }
        self.is_long_number_clean(magnitude, negative, key)
    }

    #[inline(never)]
    fn is_long_number_clean(&mut self, magnitude: u64, negative: bool, key: &[u8]) -> bool {
        let under = std::str::from_utf8(key).ok().filter(|_| !negative);
        !self.plan.finder.may_find_in(under, magnitude)
            || self.finds_nothing(Digits::new(magnitude, negative).as_str().as_bytes(), key)
    }

    #[inline(never)]
    fn finds_nothing(&mut self, body: &[u8], key: &[u8]) -> bool {
        let Ok(text) = std::str::from_utf8(body) else { return false };
        let key = std::str::from_utf8(key).unwrap_or_default();
        self.plan.finder.find(key, text, u64::MAX, self.finding);
        self.finding.hits.is_empty()
    }
}

/// Bytes of the heads of strings about which the candidates are sure.
const SURE_HEAD: usize = 2;
