//! Remembers the instances of clients that may come back, so that they continue where they were. Without
//! this memory, a client that lost its connection would not know which of its events were published.

use super::kept_subscriptions::KeptSubscriptions;
use super::publish_numbers::PublishNumbers;
use super::refusals::Refusals;
use super::session_handle::SessionHandle;
use crate::limits::reservation::MemoryReservation;
use dashmap::{DashMap, Entry};
use hub_core::topic::HeldBytes;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The hub remembers at most this many instances. Clients beyond this number cannot resume.
const MAX_INSTANCES: usize = 1 << 16;

/// An instance takes about this many bytes: its entry in the map with room for growth, its id, and
/// its inbox.
const INSTANCE: usize = 640;

/// Identifies an instance by the name of the identity that owns it, and by its random id.
pub(crate) type InstanceKey = (Arc<str>, [u8; 16]);

/// Holds the instances that the hub remembers, by their keys.
#[derive(Debug)]
pub(crate) struct Instances {
    known: DashMap<InstanceKey, InstanceRecord>,
    keep: Duration,
    held: Arc<HeldBytes>,
}

#[derive(Debug)]
struct InstanceRecord {
    state: State,
    /// Counts the bytes that the instance takes, apart from its refusals.
    reservation: MemoryReservation,
}

#[derive(Debug)]
enum State {
    /// The instance has the connection with this number, whose session holds its [`ResumeState`].
    Connected(u64, Arc<dyn SessionHandle>),
    Away(Instant, ResumeState),
}

impl InstanceRecord {
    /// Returns since when the instance has been without a connection, and the bytes that it takes.
    /// Returns `None` if it has a connection.
    fn away(&self) -> Option<(Instant, usize)> {
        match &self.state {
            State::Connected(..) => None,
            State::Away(since, past) => {
                let kept = past.kept.as_ref().map_or(0, |kept| kept.bytes());
                Some((*since, self.reservation.bytes() + past.refusals.bytes() + kept))
            }
        }
    }
}

/// States up to where the hub has the events of an instance, so that the next connection of the
/// instance can resume.
#[derive(Debug)]
pub(crate) struct ResumeState {
    /// The hub expects the event with this publish number next.
    pub received: u64,
    /// The events with these greater publish numbers are settled already, because the connection
    /// ended while events of other topics waited for room. The hub skips them when the client sends
    /// them again.
    pub ahead: PublishNumbers,
    pub refusals: Refusals,
    pub inbox: String,
    /// These subscriptions stay in their topics, and the client can resume them.
    pub kept: Option<Box<dyn KeptSubscriptions>>,
}

/// States what a connection finds when it names its instance.
#[derive(Debug)]
pub(crate) enum InstanceLookup {
    /// The instance continues from this state.
    Resumed(ResumeState),
    /// The instance is new, or the hub knows too little of it to resume.
    New,
    /// The instance is new, and the hub cannot remember it because it remembers as many as it may.
    NewAndUnknown,
    /// An older connection of the instance has to end first.
    Busy(Arc<dyn SessionHandle>),
}

impl Instances {
    /// Creates an empty set of instances. An instance is remembered for the time `keep` after its
    /// connection has ended. The bytes that instances take are counted in `held`.
    pub(crate) fn new(keep: Duration, held: Arc<HeldBytes>) -> Self {
        Instances { known: DashMap::new(), keep, held }
    }

    /// Makes `session` the connection of the instance, unless another connection still has the
    /// instance.
    ///
    /// `receipted` is the last receipt that the client has seen, if the client states one.
    pub(crate) fn claim(
        &self,
        id: &InstanceKey,
        connection: u64,
        session: Arc<dyn SessionHandle>,
        receipted: Option<u64>,
    ) -> InstanceLookup {
        // The instances are counted before the entry is locked, because counting locks every part
        // of the map and would wait for this entry for ever.
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
                let was =
                    std::mem::replace(&mut known.state, State::Connected(connection, session));
                // Kept subscriptions that are forgotten leave their topics, which takes time.
                drop(entry);
                match was {
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

    /// Keeps the state of an instance whose connection has ended. Does nothing if the instance has
    /// another connection by now, or is not remembered.
    pub(crate) fn leave(&self, id: &InstanceKey, connection: u64, past: ResumeState) {
        if let Some(mut known) = self.known.get_mut(id)
            && matches!(known.state, State::Connected(current, _) if current == connection)
        {
            let kept = past.kept.as_ref().map_or(0, |kept| kept.reserved());
            known.reservation.set(INSTANCE + past.ahead.bytes() + kept);
            known.state = State::Away(Instant::now(), past);
        }
    }

    /// Forgets the instances that have been without a connection for too long.
    pub(crate) fn forget_old(&self) {
        let mut forgotten = Vec::new();
        self.known.retain(|_, known| {
            if let State::Away(_, past) = &mut known.state
                && past.kept.as_ref().is_some_and(|kept| kept.has_ended())
            {
                forgotten.extend(past.kept.take());
            }
            let stays = known.away().is_none_or(|(at, _)| at.elapsed() <= self.keep);
            if let State::Away(_, past) = &mut known.state
                && !stays
            {
                forgotten.extend(past.kept.take());
            }
            stays
        });
        // The map is no longer locked here, where the subscriptions leave their topics.
        drop(forgotten);
    }

    /// Forgets instances without a connection until these instances take at most `most` bytes. The
    /// instances that have been without a connection for longest are forgotten first.
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
            // The instance may have a connection again, and must not be forgotten then.
            let gone = self.known.remove_if(&id, |_, known| since(known) == Some(at));
            taken = taken.saturating_sub(gone.map_or(0, |(_, known)| away(&known)));
        }
        self.known.shrink_to_fit();
    }

    /// Drops events that wait for clients without a connection and that their policies allow to drop,
    /// until at most `most` bytes wait for each subscription.
    pub(crate) fn shed(&self, most: usize) {
        self.for_each_kept(|kept| kept.shed(most));
    }

    /// Calls `visit` for the subscriptions of each instance without a connection.
    pub(crate) fn for_each_kept(&self, mut visit: impl FnMut(&dyn KeptSubscriptions)) {
        for known in &self.known {
            if let State::Away(_, ResumeState { kept: Some(kept), .. }) = &known.state {
                visit(&**kept);
            }
        }
    }

    /// Returns how often [`forget_old`](Self::forget_old) is to be called.
    pub(crate) fn forget_every(&self) -> Duration {
        (self.keep / 2).clamp(Duration::from_millis(100), Duration::from_secs(30))
    }
}

impl ResumeState {
    /// Returns whether the hub can tell a client with this last receipt about every refusal since
    /// then.
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
        Refused { what, number, code, message, rule: None, path: None, id: None }
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
            let past = ResumeState { received: 2, ahead, refusals, inbox, kept: None };
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
