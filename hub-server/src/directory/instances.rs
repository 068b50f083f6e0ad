//! Remembers the instances of clients that may come back, so that they continue where they were. Without
//! this memory, a client that lost its connection would not know which of its events were published.

use super::instance_shares::{Departure, InstanceKey, InstanceShares};
use super::kept_subscriptions::KeptSubscriptions;
use super::publish_numbers::PublishNumbers;
use super::refusals::Refusals;
use super::session_handle::SessionHandle;
use crate::limits::account::AccountKey;
use crate::limits::reservation::MemoryReservation;
use crate::limits::share::equal_share;
use dashmap::{DashMap, Entry};
use hub_core::topic::HeldBytes;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The hub remembers at most this many instances. Beyond this number, instances of the clients that
/// own the most give way.
const MAX_INSTANCES: usize = 1 << 16;

/// An instance takes about this many bytes: its entry in the map with room for growth, its id, its
/// inbox, and its entry among the instances of its owner.
const INSTANCE: usize = 768;

/// Holds the instances that the hub remembers, by their keys.
#[derive(Debug)]
pub(crate) struct Instances {
    known: DashMap<InstanceKey, InstanceRecord>,
    /// May be locked while a part of `known` is locked, and not the other way round.
    shares: Mutex<InstanceShares>,
    /// At most this many instances are remembered.
    most: usize,
    keep: Duration,
    held: Arc<HeldBytes>,
}

#[derive(Debug)]
struct InstanceRecord {
    state: State,
    /// The instance counts for this identity, or for this address if its client is anonymous.
    owner: AccountKey,
    /// The instance has been without a connection since then. `None` means that it has one.
    departure: Option<Departure>,
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
        Instances {
            known: DashMap::new(),
            shares: Mutex::default(),
            most: MAX_INSTANCES,
            keep,
            held,
        }
    }

    /// Makes `session` the connection of the instance, unless another connection still has the
    /// instance. The instance counts for `owner` from now on. If there is no place for a new
    /// instance, an instance of the owner with the most instances gives way.
    ///
    /// `receipted` is the last receipt that the client has seen, if the client states one.
    pub(crate) fn claim(
        &self,
        id: &InstanceKey,
        owner: &AccountKey,
        connection: u64,
        session: Arc<dyn SessionHandle>,
        receipted: Option<u64>,
    ) -> InstanceLookup {
        // Room is made before the entry is locked, because the instance that gives way may be in the
        // same part of the map.
        let fits = self.known.contains_key(id) || self.make_room(owner);
        match self.known.entry(id.clone()) {
            Entry::Vacant(_) if !fits => InstanceLookup::NewAndUnknown,
            Entry::Vacant(entry) => {
                self.shares.lock().add(owner);
                let mut reservation = MemoryReservation::of(self.held.clone());
                reservation.set(INSTANCE);
                entry.insert(InstanceRecord {
                    state: State::Connected(connection, session),
                    owner: owner.clone(),
                    departure: None,
                    reservation,
                });
                InstanceLookup::New
            }
            Entry::Occupied(mut entry) => {
                let known = entry.get_mut();
                if let State::Connected(_, older) = &known.state {
                    return InstanceLookup::Busy(older.clone());
                }
                let mut shares = self.shares.lock();
                shares.remove(&known.owner, known.departure.take());
                shares.add(owner);
                drop(shares);
                known.owner = owner.clone();
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

    /// Makes room for one more instance of `owner`. Returns false if there is none, and no instance
    /// gives way.
    fn make_room(&self, owner: &AccountKey) -> bool {
        loop {
            let mut shares = self.shares.lock();
            if shares.total() < self.most {
                return true;
            }
            let Some((departure, id)) = shares.give_way(owner) else { return false };
            drop(shares);
            // If the instance has a connection again, it is counted again, and stays. Kept
            // subscriptions that are forgotten leave their topics here, where nothing is locked.
            drop(self.known.remove_if(&id, |_, known| known.departure == Some(departure)));
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
            known.departure = Some(self.shares.lock().leave(&known.owner, id.clone()));
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
                self.shares.lock().remove(&known.owner, known.departure);
            }
            stays
        });
        // The map is no longer locked here, where the subscriptions leave their topics.
        drop(forgotten);
    }

    /// Forgets instances without a connection until these instances take at most `most` bytes. The
    /// owners whose instances take the most bytes give way first, and of one owner, the instances that
    /// have been without a connection for longest.
    pub(crate) fn forget_away(&self, most: usize) {
        let mut owners: HashMap<AccountKey, Vec<(Departure, usize, InstanceKey)>> = HashMap::new();
        for known in &self.known {
            if let (Some((_, bytes)), Some(departure)) = (known.away(), known.departure) {
                let away = (departure, bytes, known.key().clone());
                owners.entry(known.owner.clone()).or_default().push(away);
            }
        }
        let taken = |away: &[(_, usize, _)]| away.iter().map(|(_, bytes, _)| bytes).sum::<usize>();
        let mut holdings: Vec<usize> = owners.values().map(|away| taken(away)).collect();
        let bound = equal_share(&mut holdings, most);
        for (owner, mut away) in owners {
            let mut taken = taken(&away);
            if taken <= bound {
                continue;
            }
            away.sort_unstable_by_key(|(departure, ..)| *departure);
            for (departure, bytes, id) in away {
                if taken <= bound {
                    break;
                }
                // The instance may have a connection again, and must not be forgotten then.
                let is_away = |known: &InstanceRecord| known.departure == Some(departure);
                if self.known.remove_if(&id, |_, known| is_away(known)).is_some() {
                    self.shares.lock().remove(&owner, Some(departure));
                }
                taken -= bytes;
            }
        }
        self.known.shrink_to_fit();
    }

    /// Drops events that wait for clients without a connection and that their policies allow to drop,
    /// until what waits for each subscription is within the bound that is in force.
    pub(crate) fn shed(&self) {
        self.for_each_kept(|kept| kept.shed());
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
mod tests;
