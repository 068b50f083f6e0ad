//! Keeps the latest refusals of an instance's events, in case its connection ended before the client was
//! told. The refusals are bounded in number and in bytes, and counted as held bytes. Otherwise a client
//! could fill the memory with refused events.

use crate::limits::reservation::MemoryReservation;
use hub_core::topic::HeldBytes;
use hub_wire::Refused;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

/// At most this many refusals are kept for each instance.
const MAX_REFUSALS: u64 = 128;
/// The refusals of an instance may take this many bytes. Their number alone is no bound, because
/// paths and messages can be long.
const MAX_REFUSAL_BYTES: usize = 16 * 1024;
/// While the hub is short of memory, the refusals of an instance may take only this many bytes.
/// This is enough for the events that are refused because of the memory, and for a few others.
const REFUSAL_BYTES_WHEN_SHORT: usize = 1024;

/// A refusal takes this many bytes besides its texts: its entry, and the bookkeeping of the
/// allocator.
const REFUSAL: usize = 192;

/// Holds the latest refusals of the events of one instance.
#[derive(Debug)]
pub(crate) struct Refusals {
    /// The entries are in ascending order of their publish numbers. Neighbouring publish numbers
    /// with equal refusals share one entry.
    kept: VecDeque<(Range<u64>, Refused)>,
    count: u64,
    /// All refusals from this publish number on are kept. Earlier refusals may be forgotten.
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

    /// Returns how many held bytes are counted for the refusals.
    pub(crate) fn bytes(&self) -> usize {
        self.reservation.bytes()
    }

    /// Returns the publish number from which on every refusal is kept. Earlier refusals may be
    /// forgotten.
    pub(crate) fn complete_from(&self) -> u64 {
        self.from
    }

    /// Returns all refusals, and leaves none behind.
    pub(crate) fn take(&mut self) -> Self {
        let none = Refusals {
            kept: VecDeque::new(),
            count: 0,
            from: 0,
            reservation: self.reservation.another(),
        };
        std::mem::replace(self, none)
    }

    /// Adds a refusal. `short` states whether the hub is short of memory.
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

    /// Forgets the oldest refusals if there are more than may be kept.
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

    /// Forgets the oldest entry. If the entry stands for several publish numbers, forgets at most
    /// the `most` smallest of them.
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

    /// Returns the refusals from this publish number on.
    pub(crate) fn since(&self, number: u64) -> impl Iterator<Item = Refused> {
        let each = self.kept.iter().flat_map(|(numbers, refused)| {
            numbers.clone().map(move |number| Refused { number, ..refused.clone() })
        });
        each.filter(move |refused| refused.number >= number)
    }
}

/// Returns whether two refusals are equal apart from their numbers.
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
        /// Compares the refusals with a list of all that were pushed: the latest are kept
        /// unchanged, and `from` is above those that are not kept. The memory that the refusals
        /// take is bounded, and counted as long as they exist.
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
