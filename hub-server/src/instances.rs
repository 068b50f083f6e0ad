//! What the hub remembers of clients that may come back.

use crate::session::{Numbers, Session};
use actix::Addr;
use dashmap::{DashMap, Entry};
use hub_core::wire::Refused;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Most instances that are remembered; clients beyond it start anew when they come back.
const MAX_INSTANCES: usize = 1 << 16;
/// Refusals that are kept of each, in case the client was cut off before it heard of them.
const MAX_REFUSALS: usize = 128;

/// Whose instance it is, and its random id.
pub(crate) type InstanceKey = (Arc<str>, [u8; 16]);

/// Instances by their random id.
#[derive(Debug)]
pub(crate) struct Instances {
    known: DashMap<InstanceKey, State>,
    keep: Duration,
}

#[derive(Debug)]
enum State {
    /// The number of its connection, which has the [`Past`] now.
    Connected(u64, Addr<Session>),
    Away(Instant, Past),
}

/// How far the hub has come with the events of an instance.
#[derive(Debug, Default)]
pub(crate) struct Past {
    /// The number of the next event that the hub wants.
    pub received: u64,
    /// Larger numbers that are published or refused already: the connection was cut while
    /// events of other topics waited for room. They are passed over when they come again.
    pub ahead: Numbers,
    pub refusals: Refusals,
    pub inbox: String,
}

/// The latest refusals of events.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    kept: VecDeque<Refused>,
    /// Refusals of smaller numbers may have been forgotten.
    from: u64,
}

impl Refusals {
    pub(crate) fn push(&mut self, refused: Refused) {
        if self.kept.len() == MAX_REFUSALS
            && let Some(oldest) = self.kept.pop_front()
        {
            self.from = self.from.max(oldest.number + 1);
        }
        self.kept.push_back(refused);
    }

    /// The refusals of this number and larger ones.
    pub(crate) fn since(&self, number: u64) -> impl Iterator<Item = &Refused> {
        self.kept.iter().filter(move |refused| refused.number >= number)
    }
}

/// What a connection finds when it says which instance it is.
#[derive(Debug)]
pub(crate) enum Found {
    /// The instance goes on from here.
    Past(Past),
    /// It is new, or the hub knows too little of it to go on.
    New,
    /// It is new, and there are too many to remember it.
    NewAndUnknown,
    /// An older connection has to end first.
    Busy(Addr<Session>),
}

impl Instances {
    pub(crate) fn new(keep: Duration) -> Self {
        Instances { known: DashMap::new(), keep }
    }

    /// Makes `session` the connection of the instance, unless another one still is.
    ///
    /// `receipted` is the last receipt that the client has seen, if it says so.
    pub(crate) fn enter(
        &self,
        id: &InstanceKey,
        connection: u64,
        session: Addr<Session>,
        receipted: Option<u64>,
    ) -> Found {
        // Not under the entry's lock: counting looks at all of the map.
        let full = self.known.len() >= MAX_INSTANCES;
        match self.known.entry(id.clone()) {
            Entry::Vacant(_) if full => Found::NewAndUnknown,
            Entry::Vacant(entry) => {
                entry.insert(State::Connected(connection, session));
                Found::New
            }
            Entry::Occupied(mut entry) => {
                if let State::Connected(_, older) = entry.get() {
                    return Found::Busy(older.clone());
                }
                match entry.insert(State::Connected(connection, session)) {
                    State::Away(since, past)
                        if since.elapsed() <= self.keep && past.continues(receipted) =>
                    {
                        Found::Past(past)
                    }
                    _ => Found::New,
                }
            }
        }
    }

    /// The instance's connection has ended.
    pub(crate) fn leave(&self, id: &InstanceKey, connection: u64, past: Past) {
        if let Some(mut state) = self.known.get_mut(id)
            && matches!(&*state, State::Connected(current, _) if *current == connection)
        {
            *state = State::Away(Instant::now(), past);
        }
    }

    /// Forgets those that were away for too long.
    pub(crate) fn forget_old(&self) {
        let old =
            |state: &State| matches!(state, State::Away(since, _) if since.elapsed() > self.keep);
        self.known.retain(|_, state| !old(state));
    }

    /// How often to look for old ones.
    pub(crate) fn look_every(&self) -> Duration {
        (self.keep / 2).clamp(Duration::from_millis(100), Duration::from_secs(30))
    }
}

impl Past {
    /// Whether a client with this last receipt can be told everything since.
    fn continues(&self, receipted: Option<u64>) -> bool {
        receipted.is_none_or(|from| (self.refusals.from..=self.received).contains(&from))
    }
}
