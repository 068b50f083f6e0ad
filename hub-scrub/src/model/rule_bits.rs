//! This module stores a set of rules as bits, so that one operation handles all rules of a plan.
//!
//! Without it, each value would cost as many comparisons as the plan has rules.

use std::ops::{BitAnd, BitOr, BitOrAssign, Not};

/// `RuleBits` is a set of rules of one plan. The position of a bit is the number of a rule in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RuleBits([u64; 4]);

impl RuleBits {
    /// A plan has at most this many rules.
    pub(crate) const MAX: usize = 256;
    pub(crate) const NONE: RuleBits = RuleBits([0; 4]);

    /// Returns the set that has only this rule.
    pub(crate) fn one(rule: usize) -> RuleBits {
        let mut bits = RuleBits::NONE;
        bits.set(rule);
        bits
    }

    /// Adds a rule.
    pub(crate) fn set(&mut self, rule: usize) {
        self.0[rule / 64] |= 1 << (rule % 64);
    }

    #[inline]
    pub(crate) fn has(&self, rule: usize) -> bool {
        self.0[rule / 64] & (1 << (rule % 64)) != 0
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }

    /// Returns the numbers of the rules in ascending order.
    #[inline]
    pub(crate) fn iter(self) -> impl Iterator<Item = usize> {
        let (mut words, mut word) = (self.0, 0);
        std::iter::from_fn(move || {
            while *words.get(word)? == 0 {
                word += 1;
            }
            let at = word * 64 + words[word].trailing_zeros() as usize;
            words[word] &= words[word] - 1;
            Some(at)
        })
    }

    #[inline]
    fn zip(self, other: RuleBits, join: impl Fn(u64, u64) -> u64) -> RuleBits {
        RuleBits(std::array::from_fn(|word| join(self.0[word], other.0[word])))
    }
}

impl BitAnd for RuleBits {
    type Output = RuleBits;
    #[inline]
    fn bitand(self, other: RuleBits) -> RuleBits {
        self.zip(other, |a, b| a & b)
    }
}

impl BitOr for RuleBits {
    type Output = RuleBits;
    #[inline]
    fn bitor(self, other: RuleBits) -> RuleBits {
        self.zip(other, |a, b| a | b)
    }
}

impl BitOrAssign for RuleBits {
    #[inline]
    fn bitor_assign(&mut self, other: RuleBits) {
        *self = *self | other;
    }
}

impl Not for RuleBits {
    type Output = RuleBits;
    #[inline]
    fn not(self) -> RuleBits {
        RuleBits(self.0.map(|word| !word))
    }
}

impl FromIterator<usize> for RuleBits {
    fn from_iter<I: IntoIterator<Item = usize>>(rules: I) -> Self {
        let mut bits = RuleBits::NONE;
        rules.into_iter().for_each(|rule| bits.set(rule));
        bits
    }
}
