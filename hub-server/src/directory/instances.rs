//! Instances: what the hub remembers of clients that may come back, so that they continue where they were.
//! Without it, a client that lost its connection would not know which of its events were published.

use super::publish_numbers::PublishNumbers;
use super::refusals::Refusals;
use super::session_handle::SessionHandle;
use crate::limits::reservation::MemoryReservation;
use dashmap::{DashMap, Entry};
use hub_core::topic::HeldBytes;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Most instances that are remembered; clients beyond it start anew when they come back.
const MAX_INSTANCES: usize = 1 << 16;

/// What an instance takes about: its place in the map, with room for growth, its id and its inbox.
const INSTANCE: usize = 640;

/// Whose instance it is, and its random id.
pub(crate) type InstanceKey = (Arc<str>, [u8; 16]);

/// Instances by their random id.
#[derive(Debug)]
pub(crate) struct Instances {
    known: DashMap<InstanceKey, InstanceRecord>,
    keep: Duration,
    held: Arc<HeldBytes>,
}

#[derive(Debug)]
struct InstanceRecord {
    state: State,
    /// What it takes, but for its refusals.
    reservation: MemoryReservation,
}

#[derive(Debug)]
enum State {
    /// The number of its connection, which has the [`ResumeState`] now.
    Connected(u64, Arc<dyn SessionHandle>),
    Away(Instant, ResumeState),
}

impl InstanceRecord {
    /// Since when it is away, and what it takes.
    fn away(&self) -> Option<(Instant, usize)> {
        match &self.state {
            State::Connected(..) => None,
            State::Away(since, past) => {
                Some((*since, self.reservation.bytes() + past.refusals.bytes()))
            }
        }
    }
}

/// How far the hub has come with the events of an instance.
#[derive(Debug)]
pub(crate) struct ResumeState {
    /// The number of the next event that the hub wants.
    pub received: u64,
    /// Larger numbers that are published or refused already: the connection was cut while
    /// events of other topics waited for room. They are passed over when they come again.
    pub ahead: PublishNumbers,
    pub refusals: Refusals,
    pub inbox: String,
}

/// What a connection finds when it says which instance it is.
#[derive(Debug)]
pub(crate) enum InstanceLookup {
    /// The instance goes on from here.
    Resumed(ResumeState),
    /// It is new, or the hub knows too little of it to go on.
    New,
    /// It is new, and there are too many to remember it.
    NewAndUnknown,
    /// An older connection has to end first.
    Busy(Arc<dyn SessionHandle>),
}

impl Instances {
    /// What they take is counted in `held`.
    pub(crate) fn new(keep: Duration, held: Arc<HeldBytes>) -> Self {
        Instances { known: DashMap::new(), keep, held }
    }

    /// Makes `session` the connection of the instance, unless another one still is.
    ///
    /// `receipted` is the last receipt that the client has seen, if it says so.
    pub(crate) fn enter(
        &self,
        id: &InstanceKey,
        connection: u64,
        session: Arc<dyn SessionHandle>,
        receipted: Option<u64>,
    ) -> InstanceLookup {
        // Not under the entry's lock: counting looks at all of the map.
        let full = self.known.len() >= MAX_INSTANCES;
        match self.known.entry(id.clone()) {
            Entry::Vacant(_) if full => InstanceLookup::NewAndUnknown,
            Entry::Vacant(entry) => {
                let mut reservation = MemoryReservation::of(self.held.clone());
                reservation.set(INSTANCE);
                entry.insert(InstanceRecord {
                    state: State::Connected(connection, session),
                    reservation,
                });
                InstanceLookup::New
            }
            Entry::Occupied(mut entry) => {
                let known = entry.get_mut();
                if let State::Connected(_, older) = &known.state {
                    return InstanceLookup::Busy(older.clone());
                }
                known.reservation.set(INSTANCE);
                match std::mem::replace(&mut known.state, State::Connected(connection, session)) {
                    State::Away(since, past)
                        if since.elapsed() <= self.keep && past.continues(receipted) =>
                    {
                        InstanceLookup::Resumed(past)
                    }
                    _ => InstanceLookup::New,
                }
            }
        }
    }

    /// The instance's connection has ended.
    pub(crate) fn leave(&self, id: &InstanceKey, connection: u64, past: ResumeState) {
        if let Some(mut known) = self.known.get_mut(id)
            && matches!(known.state, State::Connected(current, _) if current == connection)
        {
            known.reservation.set(INSTANCE + past.ahead.bytes());
            known.state = State::Away(Instant::now(), past);
        }
    }

    /// Forgets those that were away for too long.
    pub(crate) fn forget_old(&self) {
        self.known.retain(|_, known| known.away().is_none_or(|(at, _)| at.elapsed() <= self.keep));
    }

    /// Forgets those that are away for longest until the others of them take at most `most` bytes.
    pub(crate) fn forget_away(&self, most: usize) {
        let away = |known: &InstanceRecord| known.away().map_or(0, |(_, bytes)| bytes);
        let mut taken: usize = self.known.iter().map(|known| away(&known)).sum();
        if taken <= most {
            return;
        }
        let since = |known: &InstanceRecord| known.away().map(|(since, _)| since);
        let mut all: Vec<_> = self
            .known
            .iter()
            .filter_map(|known| Some((since(&known)?, known.key().clone())))
            .collect();
        all.sort_unstable_by_key(|(since, _)| *since);
        for (at, id) in all {
            if taken <= most {
                break;
            }
            // It may have come back meanwhile.
            let gone = self.known.remove_if(&id, |_, known| since(known) == Some(at));
            taken = taken.saturating_sub(gone.map_or(0, |(_, known)| away(&known)));
        }
        self.known.shrink_to_fit();
    }

    /// How often to look for old ones.
    pub(crate) fn look_every(&self) -> Duration {
        (self.keep / 2).clamp(Duration::from_millis(100), Duration::from_secs(30))
    }
}

impl ResumeState {
    /// Whether a client with this last receipt can be told everything since.
    fn continues(&self, receipted: Option<u64>) -> bool {
        receipted.is_none_or(|from| (self.refusals.complete_from()..=self.received).contains(&from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub_wire::{Refused, RefusedCode, RefusedWhat};

    fn refused(number: u64, message: &str) -> Refused {
        let (what, code, message) =
            (RefusedWhat::Event, RefusedCode::Malformed, message.to_owned());
        Refused { what, number, code, message, rule: None, path: None }
    }

    #[test]
    fn those_that_are_away_for_longest_are_forgotten_first() {
        let held = Arc::new(HeldBytes::default());
        let instances = Instances::new(Duration::from_secs(60), held.clone());
        let start = Instant::now();
        let key = |n: u8| (Arc::from("me"), [n; 16]);
        for n in 0..10 {
            let mut reservation = MemoryReservation::of(held.clone());
            reservation.set(INSTANCE);
            let mut refusals = Refusals::new(held.clone());
            refusals.push(&refused(1, &"m".repeat(1_000)), false);
            let (ahead, inbox) = (PublishNumbers::default(), String::new());
            let past = ResumeState { received: 2, ahead, refusals, inbox };
            let state = State::Away(start + Duration::from_millis(n.into()), past);
            instances.known.insert(key(n), InstanceRecord { state, reservation });
        }
        let each = held.get() / 10;
        instances.forget_away(each * 10);
        assert_eq!(instances.known.len(), 10);
        instances.forget_away(each * 3);
        assert_eq!(held.get(), each * 3);
        assert!((7..10).all(|n| instances.known.contains_key(&key(n))));
        instances.forget_away(0);
        assert_eq!(held.get(), 0);
    }
}
