//! Sequence numbers, which count modulo 2^32.
//!
//! A connection that sends more than 4 GiB, or that starts near 2^32, wraps around. Compared as plain
//! numbers, its first byte after the wrap would look like a very old one.

use std::fmt;
use std::ops::{Add, Sub};

/// A sequence or acknowledgement number as it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seq(pub u32);

impl Seq {
    /// Returns how far `self` is behind `base`, which is negative if it is in front of it. Numbers that
    /// are 2^31 apart count as in front.
    #[inline]
    #[must_use]
    pub fn from_base(self, base: Seq) -> i32 {
        self.0.wrapping_sub(base.0) as i32
    }

    /// Returns whether this number comes before the other one.
    #[inline]
    #[must_use]
    pub fn before(self, other: Seq) -> bool {
        self.from_base(other) < 0
    }

    /// Returns whether this number comes behind the other one.
    #[inline]
    #[must_use]
    pub fn after(self, other: Seq) -> bool {
        other.before(self)
    }

    /// Returns the later one of two numbers.
    #[inline]
    #[must_use]
    pub fn max(self, other: Seq) -> Seq {
        if self.before(other) { other } else { self }
    }

    /// Returns the number relative to the first number of its direction, as reports show it.
    #[inline]
    #[must_use]
    pub fn relative(self, first: Seq) -> u32 {
        self.0.wrapping_sub(first.0)
    }
}

impl Add<u32> for Seq {
    type Output = Seq;

    #[inline]
    fn add(self, count: u32) -> Seq {
        Seq(self.0.wrapping_add(count))
    }
}

impl Sub<u32> for Seq {
    type Output = Seq;

    #[inline]
    fn sub(self, count: u32) -> Seq {
        Seq(self.0.wrapping_sub(count))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::Seq;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_compare_by_their_distance(start: u32, ahead in 1u32..1 << 31) {
            let (first, later) = (Seq(start), Seq(start) + ahead);
            prop_assert!(first.before(later) && later.after(first) && !later.before(first));
            prop_assert_eq!(later.from_base(first), ahead as i32);
            prop_assert_eq!(first.max(later), later);
            prop_assert_eq!(later.max(first), later);
            prop_assert_eq!(later.relative(first), ahead);
            prop_assert_eq!(later - ahead, first);
        }
    }

    #[test]
    fn numbers_wrap_around() {
        assert!(Seq(u32::MAX).before(Seq(0)));
        assert_eq!(Seq(5).from_base(Seq(u32::MAX)), 6);
        assert!(!Seq(7).before(Seq(7)) && !Seq(7).after(Seq(7)));
    }
}
