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

/// A refusal is kept with the header `id` of its event if the header has at most this many bytes.
/// Longer ones would leave room for only a few refusals.
const MAX_ID: usize = 64;
/// A kept header `id` takes this many bytes besides its text.
const ID: usize = 40;

/// A refusal takes this many bytes besides its texts: its entry, and the bookkeeping of the
/// allocator.
const REFUSAL: usize = 192;

/// Holds the latest refusals of the events of one instance.
#[derive(Debug)]
pub(crate) struct Refusals {
    /// The entries are in ascending order of their publish numbers. Neighbouring publish numbers
    /// with equal refusals share one entry.
    kept: VecDeque<KeptRefusal>,
    count: u64,
    /// All refusals from this publish number on are kept. Earlier refusals may be forgotten.
    from: u64,
    reservation: MemoryReservation,
}

/// Holds equal refusals of events with neighbouring publish numbers.
#[derive(Debug)]
struct KeptRefusal {
    numbers: Range<u64>,
    /// The refusal of each of the events, without the header `id`.
    refused: Refused,
    /// The events with these publish numbers had these headers `id`.
    ids: VecDeque<(u64, Box<str>)>,
}

impl KeptRefusal {
    /// Returns how many bytes the entry takes.
    fn bytes(&self) -> usize {
        size(&self.refused) + self.ids.iter().map(|(_, id)| ID + id.len()).sum::<usize>()
    }

    fn each(&self) -> impl Iterator<Item = Refused> {
        let mut ids = self.ids.iter().peekable();
        self.numbers.clone().map(move |number| {
            let id = ids.next_if(|(of, _)| *of == number).map(|(_, id)| id.to_string());
            Refused { number, id, ..self.refused.clone() }
        })
    }
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
        let mut bytes = self.reservation.bytes();
        let last = self.kept.back_mut();
        let last =
            last.filter(|last| last.numbers.end == number && is_same(&last.refused, refused));
        let id = refused.id.as_deref().filter(|id| !short && id.len() <= MAX_ID);
        let id = id.map(|id| (number, Box::from(id)));
        bytes += id.as_ref().map_or(0, |(_, id): &(u64, Box<str>)| ID + id.len());
        match last {
            Some(last) => {
                last.numbers.end += 1;
                last.ids.extend(id);
            }
            None => {
                bytes += size(refused);
                self.kept.push_back(KeptRefusal {
                    numbers: number..number + 1,
                    refused: Refused { id: None, ..refused.clone() },
                    ids: id.into_iter().collect(),
                });
            }
        }
        self.reservation.set(bytes);
        self.trim(short);
    }

    /// Forgets the oldest refusals if there are more than may be kept.
    pub(crate) fn trim(&mut self, short: bool) {
        while self.count > MAX_REFUSALS {
            self.forget(1);
        }
        let most = if short { REFUSAL_BYTES_WHEN_SHORT } else { MAX_REFUSAL_BYTES };
        // A refusal without its id still tells the client its number, so the ids go first.
        while self.reservation.bytes() > most && self.forget_an_id() {}
        while self.reservation.bytes() > most && !self.kept.is_empty() {
            self.forget(u64::MAX);
        }
        if self.kept.capacity() > 4 * self.kept.len() + 4 {
            self.kept.shrink_to_fit();
        }
    }

    /// Forgets the oldest header `id` that is kept. Returns false if none is kept.
    fn forget_an_id(&mut self) -> bool {
        let oldest = self.kept.iter_mut().find_map(|kept| kept.ids.pop_front());
        let Some((_, id)) = oldest else { return false };
        self.reservation.set(self.reservation.bytes().saturating_sub(ID + id.len()));
        true
    }

    /// Forgets the oldest entry. If the entry stands for several publish numbers, forgets at most
    /// the `most` smallest of them.
    fn forget(&mut self, most: u64) {
        let Some(first) = self.kept.front_mut() else { return };
        let before = first.bytes();
        let end = first.numbers.end.min(first.numbers.start.saturating_add(most));
        self.count -= end - first.numbers.start;
        self.from = self.from.max(end);
        first.numbers.start = end;
        while first.ids.front().is_some_and(|(number, _)| *number < end) {
            first.ids.pop_front();
        }
        let mut after = first.bytes();
        if first.numbers.is_empty() {
            after = 0;
            self.kept.pop_front();
        }
        self.reservation.set((self.reservation.bytes() + after).saturating_sub(before));
    }

    /// Returns the refusals from this publish number on.
    pub(crate) fn since(&self, number: u64) -> impl Iterator<Item = Refused> {
        self.kept.iter().flat_map(KeptRefusal::each).filter(move |refused| refused.number >= number)
    }
}

/// Returns whether two refusals are equal apart from their numbers and the headers `id`.
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
        Refused { what, number, code, message, rule: None, path: None, id: None }
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
    fn the_id_of_an_event_is_kept_if_it_is_short_and_memory_is_not() {
        let held = Arc::new(HeldBytes::default());
        let mut refusals = Refusals::new(held.clone());
        let with_id = |number, id: &str| Refused { id: Some(id.into()), ..refused(number, "m") };
        for number in 0..100 {
            refusals
                .push(&with_id(number, &format!("a0b1c2d3-e4f5-4a6b-8c7d-{number:012}")), false);
        }
        refusals.push(&with_id(100, &"i".repeat(MAX_ID + 1)), false);
        refusals.push(&refused(101, "m"), false);
        let ids: Vec<_> = refusals.since(90).map(|refused| refused.id).collect();
        assert_eq!(ids.len(), 12, "one entry stands for all, so none is forgotten");
        assert_eq!(ids[9].as_deref(), Some("a0b1c2d3-e4f5-4a6b-8c7d-000000000099"));
        assert_eq!(ids[10..], [None, None]);
        refusals.push(&with_id(102, "short of memory"), true);
        assert!(held.get() <= REFUSAL_BYTES_WHEN_SHORT, "{}", held.get());
        let all: Vec<_> = refusals.since(0).collect();
        assert_eq!(all.len(), 103, "only ids were forgotten");
        assert_eq!(all[102].id, None);
        for number in 103..1_000 {
            refusals.push(&with_id(number, "id"), false);
        }
        assert_eq!(refusals.since(0).count(), MAX_REFUSALS as usize);
        assert!(held.get() <= MAX_REFUSALS as usize * (ID + 2) + 300, "{}", held.get());
        refusals.trim(true);
        drop(refusals);
        assert_eq!(held.get(), 0);
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
