//! The latest refusals of a client's events, in case it was cut off before it heard of them. They are
//! bounded in number and in bytes, and counted as held memory.

use crate::limits::reservation::MemoryReservation;
use hub_core::topic::HeldBytes;
use hub_wire::Refused;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

/// Refusals that are kept for each client.
const MAX_REFUSALS: u64 = 128;
/// Bytes that these may take, because paths and messages can be long.
const MAX_REFUSAL_BYTES: usize = 16 * 1024;
/// Bytes that these may take while the hub is short of memory. They suffice for the events that are
/// refused for that alone, and for a few others.
const REFUSAL_BYTES_WHEN_SHORT: usize = 1024;

/// What a refusal takes beside its texts: its place, and the allocations' bookkeeping.
const REFUSAL: usize = 192;

/// The latest refusals of events.
#[derive(Debug)]
pub(crate) struct Refusals {
    /// The same refusal of neighbouring numbers is kept once.
    kept: VecDeque<(Range<u64>, Refused)>,
    count: u64,
    /// Refusals of smaller numbers may have been forgotten.
    from: u64,
    reservation: MemoryReservation,
}

impl Refusals {
    pub(crate) fn new(held: Arc<HeldBytes>) -> Self {
        Refusals {
            kept: VecDeque::new(),
            count: 0,
            from: 0,
            reservation: MemoryReservation::of(held),
        }
    }

    /// The bytes that they are counted with.
    pub(crate) fn bytes(&self) -> usize {
        self.reservation.bytes()
    }

    /// Refusals of smaller numbers may have been forgotten.
    pub(crate) fn complete_from(&self) -> u64 {
        self.from
    }

    /// Hands over what there is.
    pub(crate) fn take(&mut self) -> Self {
        let none = Refusals {
            kept: VecDeque::new(),
            count: 0,
            from: 0,
            reservation: self.reservation.another(),
        };
        std::mem::replace(self, none)
    }

    /// `short`: the hub has little memory left.
    pub(crate) fn push(&mut self, refused: &Refused, short: bool) {
        let number = refused.number;
        self.count += 1;
        match self.kept.back_mut() {
            Some((numbers, last)) if numbers.end == number && is_same(last, refused) => {
                numbers.end += 1;
            }
            _ => {
                self.reservation.set(self.reservation.bytes() + size(refused));
                self.kept.push_back((number..number + 1, refused.clone()));
            }
        }
        self.trim(short);
    }

    /// Forgets the oldest if they take more than they may.
    pub(crate) fn trim(&mut self, short: bool) {
        while self.count > MAX_REFUSALS {
            self.forget(1);
        }
        let most = if short { REFUSAL_BYTES_WHEN_SHORT } else { MAX_REFUSAL_BYTES };
        while self.reservation.bytes() > most && !self.kept.is_empty() {
            self.forget(u64::MAX);
        }
        if self.kept.capacity() > 4 * self.kept.len() + 4 {
            self.kept.shrink_to_fit();
        }
    }

    /// Forgets the oldest, or up to so many of them if they are the same.
    fn forget(&mut self, most: u64) {
        let Some((numbers, refused)) = self.kept.front_mut() else { return };
        let end = numbers.end.min(numbers.start.saturating_add(most));
        self.count -= end - numbers.start;
        self.from = self.from.max(end);
        numbers.start = end;
        if numbers.is_empty() {
            self.reservation.set(self.reservation.bytes().saturating_sub(size(refused)));
            self.kept.pop_front();
        }
    }

    /// The refusals of this number and larger ones.
    pub(crate) fn since(&self, number: u64) -> impl Iterator<Item = Refused> {
        let each = self.kept.iter().flat_map(|(numbers, refused)| {
            numbers.clone().map(move |number| Refused { number, ..refused.clone() })
        });
        each.filter(move |refused| refused.number >= number)
    }
}

/// Whether they say the same, but for the number.
fn is_same(one: &Refused, other: &Refused) -> bool {
    (one.what, one.code) == (other.what, other.code)
        && one.message == other.message
        && (&one.rule, &one.path) == (&other.rule, &other.path)
}

fn size(refused: &Refused) -> usize {
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    REFUSAL + refused.message.len() + text(&refused.rule) + text(&refused.path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub_wire::{RefusedCode, RefusedWhat};
    use proptest::prelude::*;

    fn refused(number: u64, message: &str) -> Refused {
        let (what, code, message) =
            (RefusedWhat::Event, RefusedCode::Malformed, message.to_owned());
        Refused { what, number, code, message, rule: None, path: None }
    }

    fn numbers(refusals: &Refusals, from: u64) -> Vec<u64> {
        refusals.since(from).map(|refused| refused.number).collect()
    }

    proptest! {
        /// Against a list of all: the latest are there, each as it was, and `from` covers those
        /// that are not. What they take is bounded, and counted as long as they are there.
        #[test]
        fn the_latest_refusals_are_kept_within_their_bounds(
            steps in proptest::collection::vec((1..3_u64, 0..3_usize, any::<bool>()), 0..400),
            long in 0..3_000_usize,
        ) {
            let held = Arc::new(HeldBytes::default());
            let mut refusals = Refusals::new(held.clone());
            let (mut all, mut next) = (Vec::new(), 0);
            for (skip, message, short) in steps {
                let one = refused(next, &"m".repeat(message * long));
                refusals.push(&one, short);
                next += skip;
                all.push(one);
                let most = if short { REFUSAL_BYTES_WHEN_SHORT } else { MAX_REFUSAL_BYTES };
                prop_assert!(held.get() <= most);
                let kept: Vec<_> = refusals.since(0).collect();
                prop_assert!(kept.len() as u64 <= MAX_REFUSALS);
                let forgotten = all.len() - kept.len();
                prop_assert_eq!(&all[forgotten..], &kept[..]);
                prop_assert!(all[..forgotten].iter().all(|one| one.number < refusals.from));
                prop_assert!(kept.iter().all(|one| one.number >= refusals.from));
            }
            drop(refusals);
            prop_assert_eq!(held.get(), 0);
        }
    }

    #[test]
    fn the_same_refusal_of_neighbours_is_kept_once_and_told_for_each() {
        let held = Arc::new(HeldBytes::default());
        let mut refusals = Refusals::new(held.clone());
        for number in 0..100 {
            refusals.push(&refused(number, "the hub is short of memory"), true);
        }
        assert!(held.get() < 300, "{}", held.get());
        assert_eq!(numbers(&refusals, 40), (40..100).collect::<Vec<_>>());
    }
}
