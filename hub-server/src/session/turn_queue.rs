//! Decides which session of a thread takes its turn next, so that each owner gets an equal part of the
//! thread. Without this module, an owner with 200 connections would take 200 turns where another owner
//! takes one, and its sessions with a little work each would delay everybody, because each of them alone
//! uses up no turn.
//!
//! An owner is an identity, or the address of clients without one. An owner that uses little of the thread
//! is *light*, and its sessions never wait here. A *round* is the time until the thread looks at its sockets
//! again. Once the sessions have done the work of one turn in a round, the sessions of owners that are not
//! light wait, and the one whose owner has been served least goes on first. This order is start-time fair
//! queueing (Goyal, Vin and Cheng, 1996): owners that always have something to do get equal parts, and an
//! owner that comes after a pause stands in front of those that had turns in the meantime.

use crate::limits::account::AccountKey;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// When the sessions have worked for this time in a round, only those of light owners go on. The last one
/// may begin shortly before, and take a whole turn.
pub(super) const ROUND: Duration = Duration::from_millis(2);
/// One part in so many of the time of a thread makes an owner no heavier.
const LIGHT_PART: u32 = 16;
/// A light owner may use this much at once: two turns, because the time of one may include that of other programs.
const BURST: Duration = Duration::from_millis(4);
/// An owner counts as served by so much more than the others at most. Otherwise an owner that has worked while
/// nobody waited would wait for all of that time.
const AHEAD: Duration = Duration::from_millis(4);
/// Owners without a session are forgotten when there are this many more than the last time.
const SPARE_OWNERS: usize = 16;

/// Is an owner on one thread. `W` is what waits, a session.
#[derive(Debug)]
pub(super) struct Owner<W> {
    /// The owner has used this much, less its part of the time since.
    used: Cell<Duration>,
    used_at: Cell<Instant>,
    /// The sessions of the owner have used this much of the present turn of the owner.
    turn: Cell<Duration>,
    /// The owner has been served up to here, on the clock of the [queue](TurnQueue::served).
    served: Cell<Duration>,
    /// These sessions have done less than a turn before they began to wait.
    light: RefCell<VecDeque<W>>,
    /// These sessions have used up a turn.
    busy: RefCell<VecDeque<W>>,
}

impl<W> Owner<W> {
    fn new(now: Instant) -> Self {
        Owner {
            used: Cell::default(),
            used_at: Cell::new(now),
            turn: Cell::default(),
            served: Cell::default(),
            light: RefCell::default(),
            busy: RefCell::default(),
        }
    }

    /// Returns how much the owner has used, less its part of the time.
    fn used(&self, now: Instant) -> Duration {
        let part = now.saturating_duration_since(self.used_at.get()) / LIGHT_PART;
        self.used.get().saturating_sub(part)
    }

    fn is_light(&self, now: Instant) -> bool {
        self.used(now) < BURST
    }

    fn waits_for_nothing(&self) -> bool {
        self.light.borrow().is_empty() && self.busy.borrow().is_empty()
    }

    /// Returns the session that goes on next: light ones for half of the turn, then a busy one. So a
    /// light session does not wait for all busy ones, and light ones do not keep the busy ones waiting.
    fn next(&self) -> Option<W> {
        let (mut light, mut busy) = (self.light.borrow_mut(), self.busy.borrow_mut());
        match self.turn.get() < ROUND / 2 {
            true => light.pop_front().or_else(|| busy.pop_front()),
            false => busy.pop_front().or_else(|| light.pop_front()),
        }
    }

    fn spend(&self, took: Duration, worked: Duration, now: Instant) {
        // Beside a busy program on the other half of its core, work takes up to twice its time. With the bounds,
        // an owner is light again soon after its work has ended.
        self.used.set((self.used(now) + worked.min(ROUND)).min(2 * BURST));
        self.used_at.set(now);
        let turn = self.turn.get() + took;
        self.turn.set(if turn < ROUND { turn } else { Duration::ZERO });
    }
}

/// Has the owners of one thread, and the sessions that wait.
#[derive(Debug)]
pub(super) struct TurnQueue<W> {
    owners: HashMap<AccountKey, Rc<Owner<W>>>,
    /// The owners whose sessions wait, by what they had been served when they came here, and by when they came.
    waiting: BTreeMap<(Duration, u64), Rc<Owner<W>>>,
    /// So many owners have come to `waiting`.
    came: u64,
    /// The owner that went on last had been served up to here: a clock that goes on by a turn when each of
    /// the owners has taken one.
    served: Duration,
    /// The sessions have worked for this time in this round.
    round: Duration,
    /// When there are more owners than this, those without a session are forgotten.
    most_owners: usize,
}

impl<W> Default for TurnQueue<W> {
    fn default() -> Self {
        TurnQueue {
            owners: HashMap::new(),
            waiting: BTreeMap::new(),
            came: 0,
            served: Duration::ZERO,
            round: Duration::ZERO,
            most_owners: SPARE_OWNERS,
        }
    }
}

impl<W> TurnQueue<W> {
    /// Returns the owner with this key, for one more session.
    pub(super) fn owner(&mut self, key: AccountKey, now: Instant) -> Rc<Owner<W>> {
        if self.owners.len() > self.most_owners {
            // An owner that comes back at once is as heavy as before.
            self.owners.retain(|_, owner| Rc::strong_count(owner) > 1 || !owner.is_light(now));
            self.most_owners = 2 * self.owners.len() + SPARE_OWNERS;
        }
        self.owners.entry(key).or_insert_with(|| Rc::new(Owner::new(now))).clone()
    }

    /// Returns whether a session of this owner has to wait for its turn.
    pub(super) fn must_wait(&self, owner: &Owner<W>, now: Instant) -> bool {
        // A thread with one owner has nobody to protect.
        self.owners.len() > 1
            && (!self.waiting.is_empty() || self.round >= ROUND)
            && !owner.is_light(now)
    }

    /// Lets a session wait behind the others of its owner. `busy` states whether it has used up a turn.
    pub(super) fn wait(&mut self, owner: &Rc<Owner<W>>, session: W, busy: bool) {
        if owner.waits_for_nothing() {
            self.enter(owner.clone());
        }
        let queue = if busy { &owner.busy } else { &owner.light };
        queue.borrow_mut().push_back(session);
    }

    /// Counts the work of a session that has gone on. Its turn took `took`, and `worked` of the time of the
    /// processor: the rest of the time, other programs have used it.
    pub(super) fn spend(
        &mut self,
        owner: &Owner<W>,
        took: Duration,
        worked: Duration,
        now: Instant,
    ) {
        owner.spend(took, worked, now);
        let served = owner.served.get().max(self.served) + took;
        owner.served.set(served.min(self.served + AHEAD));
        self.round += took;
    }

    /// Begins a round: the thread has looked at its sockets.
    pub(super) fn begin_round(&mut self) {
        self.round = Duration::ZERO;
    }

    /// Returns whether nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Returns the session that goes on next, and its owner, if the round has time for it.
    pub(super) fn next(&mut self) -> Option<(Rc<Owner<W>>, W)> {
        if self.round >= ROUND {
            return None;
        }
        loop {
            let ((served, _), owner) = self.waiting.pop_first()?;
            // The owner has been served since it came here.
            if owner.served.get() > served {
                self.enter(owner);
                continue;
            }
            self.served = served;
            let next = owner.next()?;
            if !owner.waits_for_nothing() {
                self.enter(owner.clone());
            }
            return Some((owner, next));
        }
    }

    /// Has an owner wait behind those that have been served as little.
    fn enter(&mut self, owner: Rc<Owner<W>>) {
        let served = owner.served.get().max(self.served);
        owner.served.set(served);
        self.came += 1;
        self.waiting.insert((served, self.came), owner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: Duration = Duration::from_millis(1);

    fn identity(name: &str) -> AccountKey {
        AccountKey::Identity(name.into())
    }

    /// Is a queue with a clock of its own, in which only work takes time. A session is the number of its
    /// owner, and its number.
    struct Thread {
        queue: TurnQueue<(usize, usize)>,
        owners: Vec<Rc<Owner<(usize, usize)>>>,
        now: Instant,
    }

    impl Thread {
        fn with_owners(count: usize) -> Thread {
            let (mut queue, now) = (TurnQueue::default(), Instant::now());
            let owner = |n: usize| queue.owner(identity(&n.to_string()), now);
            let owners = (0..count).map(owner).collect();
            Thread { queue, owners, now }
        }

        fn work(&mut self, owner: usize, took: Duration) {
            self.now += took;
            self.queue.spend(&self.owners[owner], took, took, self.now);
        }

        /// Has every owner use up what a light owner may use.
        fn make_busy(&mut self, owner: usize) {
            while self.owners[owner].is_light(self.now) {
                self.work(owner, MS);
            }
        }
    }

    proptest! {
        /// However many sessions each owner has, and however much each of them has to do: owners of whom
        /// some session always waits get about as much time, in rounds of about a turn, and each session goes on.
        #[test]
        fn owners_get_equal_parts_however_many_sessions_they_have(
            owners in proptest::collection::vec((2..200_usize, 50..2_000_u64, any::<bool>()), 2..6),
        ) {
            let mut thread = Thread::with_owners(owners.len());
            let mut went_on: Vec<_> = owners.iter().map(|(count, ..)| vec![0; *count]).collect();
            for (at, (count, _, mixed)) in owners.iter().enumerate() {
                for session in 0..*count {
                    let busy = *mixed && session % 2 == 0;
                    thread.queue.wait(&thread.owners[at], (at, session), busy);
                }
            }
            let mut time = vec![Duration::ZERO; owners.len()];
            for _ in 0..1_000 {
                thread.queue.begin_round();
                let began = thread.now;
                while let Some((_, (at, session))) = thread.queue.next() {
                    let took = Duration::from_micros(owners[at].1);
                    thread.work(at, took);
                    time[at] += took;
                    went_on[at][session] += 1;
                    let busy = owners[at].2 && session % 2 == 0;
                    thread.queue.wait(&thread.owners[at], (at, session), busy);
                }
                prop_assert!(thread.now - began < 2 * ROUND, "a round is about a turn");
            }
            let (least, most) = (time.iter().min().unwrap(), time.iter().max().unwrap());
            prop_assert!(*most <= *least * 2 + 4 * ROUND, "{time:?}");
            for sessions in went_on {
                let (least, most) = (sessions.iter().min().unwrap(), sessions.iter().max().unwrap());
                prop_assert!(*least > 0 || *most < 3, "nobody goes on for ever while others wait: {sessions:?}");
            }
        }

        /// Sessions of which none uses up a turn do together as much in a round as one that does.
        #[test]
        fn many_sessions_with_little_work_are_no_heavier_than_one_with_much(
            sessions in 50..300_usize,
            micros in 20..500_u64,
        ) {
            let mut thread = Thread::with_owners(2);
            thread.make_busy(0);
            let took = Duration::from_micros(micros);
            let mut waiting = 0;
            thread.queue.begin_round();
            let began = thread.now;
            for session in 0..sessions {
                if thread.queue.must_wait(&thread.owners[0], thread.now) {
                    waiting += 1;
                    thread.queue.wait(&thread.owners[0], (0, session), false);
                } else {
                    thread.work(0, took);
                }
            }
            prop_assert!(thread.now - began < 2 * ROUND);
            while !thread.queue.is_empty() {
                thread.queue.begin_round();
                let began = thread.now;
                while thread.queue.next().is_some() {
                    waiting -= 1;
                    thread.work(0, took);
                }
                prop_assert!(thread.now - began < 2 * ROUND);
                prop_assert!(!thread.queue.must_wait(&thread.owners[1], thread.now));
            }
            prop_assert_eq!(waiting, 0);
        }
    }

    #[test]
    fn an_owner_is_light_again_when_it_has_used_little_for_a_while() {
        let mut thread = Thread::with_owners(2);
        thread.work(0, 50 * MS);
        assert!(
            thread.owners[0].is_light(thread.now),
            "other programs may have kept the processor"
        );
        thread.make_busy(0);
        let waits = |thread: &Thread, owner: usize| {
            thread.queue.must_wait(&thread.owners[owner], thread.now)
        };
        assert!(waits(&thread, 0), "the round is over");
        thread.queue.begin_round();
        assert!(!waits(&thread, 0), "the round has begun, and nobody waits");
        thread.queue.wait(&thread.owners[0], (0, 0), true);
        assert!(waits(&thread, 0), "another one waits already");
        assert!(!waits(&thread, 1), "who uses little never waits");
        for _ in 0..1_000 {
            thread.work(0, MS);
        }
        thread.now += LIGHT_PART * 2 * BURST;
        assert!(!waits(&thread, 0));
    }

    #[test]
    fn one_owner_alone_has_nobody_to_wait_for() {
        let mut thread = Thread::with_owners(1);
        thread.make_busy(0);
        assert!(!thread.queue.must_wait(&thread.owners[0], thread.now));
    }

    #[test]
    fn an_owner_that_comes_back_at_once_is_as_heavy_as_before_and_others_are_forgotten() {
        let mut thread = Thread::with_owners(1);
        thread.make_busy(0);
        thread.owners.clear();
        for n in 0..1_000 {
            thread.queue.owner(identity(&format!("passer-by {n}")), thread.now);
        }
        assert!(thread.queue.owners.len() < 100, "{}", thread.queue.owners.len());
        assert!(!thread.queue.owner(identity("0"), thread.now).is_light(thread.now));
    }
}
