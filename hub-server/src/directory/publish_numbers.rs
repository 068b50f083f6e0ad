//! Holds sets of publish numbers as ranges. Without these sets, an event that a client sends again after
//! its connection ended would be published twice.

use std::collections::VecDeque;
use std::ops::Range;

/// Holds publish numbers of one client, as ranges in ascending order that do not overlap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PublishNumbers(VecDeque<Range<u64>>);

impl PublishNumbers {
    /// Creates an empty set with room for this many ranges.
    pub(crate) fn with_capacity(ranges: usize) -> Self {
        PublishNumbers(VecDeque::with_capacity(ranges))
    }

    /// Adds numbers, which must be greater than those in the set.
    pub(crate) fn push(&mut self, numbers: Range<u64>) {
        match self.0.back_mut() {
            Some(last) if last.end == numbers.start => last.end = numbers.end,
            _ if numbers.is_empty() => {}
            _ => self.0.push_back(numbers),
        }
    }

    pub(crate) fn first(&self) -> Option<u64> {
        self.0.front().map(|range| range.start)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = u64> {
        self.0.iter().flat_map(Clone::clone)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the memory that the ranges take, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<Range<u64>>()
    }

    /// Removes `number` and returns true if it is the smallest number in the set. Otherwise leaves
    /// the set as it is and returns false.
    pub(crate) fn take(&mut self, number: u64) -> bool {
        let Some(range) = self.0.front_mut().filter(|range| range.start == number) else {
            return false;
        };
        range.start += 1;
        if range.is_empty() {
            self.0.pop_front();
        }
        true
    }

    /// Returns the numbers in `all` that are in none of `others`.
    pub(crate) fn without<'a>(all: Range<u64>, others: impl Iterator<Item = &'a Self>) -> Self {
        let mut taken: Vec<_> = others.flat_map(|numbers| numbers.0.iter().cloned()).collect();
        taken.sort_unstable_by_key(|range| range.start);
        let (mut rest, mut at) = (PublishNumbers::default(), all.start);
        for range in taken {
            rest.push(at..range.start.max(at));
            at = at.max(range.end);
        }
        rest.push(at..all.end.max(at));
        rest
    }

    /// Adds the numbers of `later`, which must be greater than those in the set.
    pub(crate) fn extend(&mut self, later: &Self) {
        later.0.iter().for_each(|range| self.push(range.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn numbers(of: &[u64]) -> PublishNumbers {
        let mut numbers = PublishNumbers::default();
        of.iter().for_each(|n| numbers.push(*n..*n + 1));
        numbers
    }

    proptest! {
        #[test]
        fn what_is_in_neither_is_left(owner in proptest::collection::vec(0..4_u8, 0..60)) {
            let of = |who: u8| -> Vec<u64> {
                (100..).zip(&owner).filter(|(_, o)| **o == who).map(|(n, _)| n).collect()
            };
            let end = 100 + owner.len() as u64;
            let (one, two) = (numbers(&of(1)), numbers(&of(2)));
            let mut rest = PublishNumbers::without(100..end, [&one, &two].into_iter());
            let expected: Vec<u64> =
                (100..).zip(&owner).filter(|(_, o)| matches!(**o, 0 | 3)).map(|(n, _)| n).collect();
            let taken: Vec<u64> = (100..end).filter(|n| rest.take(*n)).collect();
            prop_assert_eq!(taken, expected);
            prop_assert!(rest.is_empty());
        }
    }
}
