//! What the hub remembers of clients that may come back.

use crate::limits::share::Share;
use crate::session::{Numbers, Session};
use actix::Addr;
use dashmap::{DashMap, Entry};
use hub_core::topic::HeldBytes;
use hub_wire::Refused;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Most instances that are remembered; clients beyond it start anew when they come back.
const MAX_INSTANCES: usize = 1 << 16;
/// Refusals that are kept of each, in case the client was cut off before it heard of them,
const MAX_REFUSALS: u64 = 128;
/// and the bytes that they may take, as paths and messages can be long,
const MAX_REFUSAL_BYTES: usize = 16 * 1024;
/// also while the hub is short of memory: as many as are refused for that alone, and a few others.
const REFUSAL_BYTES_WHEN_SHORT: usize = 1024;

/// What an instance takes about: its place in the map, with room for growth, its id and its inbox.
const INSTANCE: usize = 640;
/// What a refusal takes beside its texts: its place, and the allocations' bookkeeping.
const REFUSAL: usize = 192;

/// Whose instance it is, and its random id.
pub(crate) type InstanceKey = (Arc<str>, [u8; 16]);

/// Instances by their random id.
#[derive(Debug)]
pub(crate) struct Instances {
    known: DashMap<InstanceKey, Known>,
    keep: Duration,
    held: Arc<HeldBytes>,
}

#[derive(Debug)]
struct Known {
    state: State,
    /// What it takes, but for its refusals.
    share: Share,
}

#[derive(Debug)]
enum State {
    /// The number of its connection, which has the [`Past`] now.
    Connected(u64, Addr<Session>),
    Away(Instant, Past),
}

impl Known {
    /// Since when it is away, and what it takes.
    fn away(&self) -> Option<(Instant, usize)> {
        match &self.state {
            State::Connected(..) => None,
            State::Away(since, past) => {
                Some((*since, self.share.bytes() + past.refusals.share.bytes()))
            }
        }
    }
}

/// How far the hub has come with the events of an instance.
#[derive(Debug)]
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
#[derive(Debug)]
pub(crate) struct Refusals {
    /// The same refusal of neighbouring numbers is kept once.
    kept: VecDeque<(Range<u64>, Refused)>,
    count: u64,
    /// Refusals of smaller numbers may have been forgotten.
    from: u64,
    share: Share,
}

impl Refusals {
    pub(crate) fn new(held: Arc<HeldBytes>) -> Self {
        Refusals { kept: VecDeque::new(), count: 0, from: 0, share: Share::of(held) }
    }

    /// Hands over what there is.
    pub(crate) fn take(&mut self) -> Self {
        let none =
            Refusals { kept: VecDeque::new(), count: 0, from: 0, share: self.share.another() };
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
                self.share.set(self.share.bytes() + size(refused));
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
        while self.share.bytes() > most && !self.kept.is_empty() {
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
            self.share.set(self.share.bytes().saturating_sub(size(refused)));
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
        session: Addr<Session>,
        receipted: Option<u64>,
    ) -> Found {
        // Not under the entry's lock: counting looks at all of the map.
        let full = self.known.len() >= MAX_INSTANCES;
        match self.known.entry(id.clone()) {
            Entry::Vacant(_) if full => Found::NewAndUnknown,
            Entry::Vacant(entry) => {
                let mut share = Share::of(self.held.clone());
                share.set(INSTANCE);
                entry.insert(Known { state: State::Connected(connection, session), share });
                Found::New
            }
            Entry::Occupied(mut entry) => {
                let known = entry.get_mut();
                if let State::Connected(_, older) = &known.state {
                    return Found::Busy(older.clone());
                }
                known.share.set(INSTANCE);
                match std::mem::replace(&mut known.state, State::Connected(connection, session)) {
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
        if let Some(mut known) = self.known.get_mut(id)
            && matches!(known.state, State::Connected(current, _) if current == connection)
        {
            known.share.set(INSTANCE + past.ahead.bytes());
            known.state = State::Away(Instant::now(), past);
        }
    }

    /// Forgets those that were away for too long.
    pub(crate) fn forget_old(&self) {
        self.known.retain(|_, known| known.away().is_none_or(|(at, _)| at.elapsed() <= self.keep));
    }

    /// Forgets those that are away for longest until the others of them take at most `most` bytes.
    pub(crate) fn forget_away(&self, most: usize) {
        let away = |known: &Known| known.away().map_or(0, |(_, bytes)| bytes);
        let mut taken: usize = self.known.iter().map(|known| away(&known)).sum();
        if taken <= most {
            return;
        }
        let since = |known: &Known| known.away().map(|(since, _)| since);
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

impl Past {
    /// Whether a client with this last receipt can be told everything since.
    fn continues(&self, receipted: Option<u64>) -> bool {
        receipted.is_none_or(|from| (self.refusals.from..=self.received).contains(&from))
    }
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

    #[test]
    fn those_that_are_away_for_longest_are_forgotten_first() {
        let held = Arc::new(HeldBytes::default());
        let instances = Instances::new(Duration::from_secs(60), held.clone());
        let start = Instant::now();
        let key = |n: u8| (Arc::from("me"), [n; 16]);
        for n in 0..10 {
            let mut share = Share::of(held.clone());
            share.set(INSTANCE);
            let mut refusals = Refusals::new(held.clone());
            refusals.push(&refused(1, &"m".repeat(1_000)), false);
            let (ahead, inbox) = (Numbers::default(), String::new());
            let past = Past { received: 2, ahead, refusals, inbox };
            let state = State::Away(start + Duration::from_millis(n.into()), past);
            instances.known.insert(key(n), Known { state, share });
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
