//! A topic: its order, its members and its memory, behind one lock.

use super::held::HeldBytes;
use super::history::{History, HistoryBudget};
use super::item::{Lane, QueuedRun};
use super::ledger::{Ledger, LedgerCounts};
use super::members::Members;
use super::outlet::Touched;
use super::pending::{PendingRun, Published};
use super::{Appended, Deposit, SubscriptionEntry, TopicActor};
use crate::sync::{AtomicBool, Mutex, Ordering};
use actix::Addr;
use hub_wire::{GapReason, Position, Start, TopicName};
use std::sync::{Arc, OnceLock};

/// A topic.
///
/// Publishers number and deliver runs on their own threads, under the sequencer lock. Only the
/// topic's actor changes the members; it does so under the same lock, so a subscription starts
/// and ends at an exact place in the order.
#[derive(Debug)]
pub struct Topic {
    lane: Lane,
    ledger: Arc<Ledger>,
    sequencer: Mutex<Sequencer>,
    /// Changes under the sequencer lock.
    retired: AtomicBool,
    actor: OnceLock<Addr<TopicActor>>,
    held: Arc<HeldBytes>,
}

#[derive(Debug)]
struct Sequencer {
    next: u64,
    members: Members,
    history: History,
    /// What whoever made the topic left until it ends.
    deposit: Option<Deposit>,
}

/// What a topic looks like from outside, for tests and the admin API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicState {
    /// The epoch of its numbers.
    pub epoch: u64,
    /// The number the next event gets.
    pub next: u64,
    /// Connections with plain subscriptions.
    pub plain: usize,
    /// Queue groups.
    pub groups: usize,
    /// Whether it has ended.
    pub retired: bool,
}

impl Topic {
    pub(super) fn new(
        name: TopicName,
        epoch: u64,
        budget: Arc<HistoryBudget>,
        held: Arc<HeldBytes>,
        deposit: Option<Deposit>,
    ) -> Self {
        let history = History::new(budget);
        let sequencer = Sequencer { next: 1, members: Members::default(), history, deposit };
        Topic {
            lane: Lane { topic: name, epoch, subscription: None },
            ledger: Arc::default(),
            sequencer: Mutex::new(sequencer),
            retired: AtomicBool::new(false),
            actor: OnceLock::new(),
            held,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &TopicName {
        &self.lane.topic
    }

    /// The epoch of its numbers; another one each time a topic of this name begins anew.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.lane.epoch
    }

    /// How it stands.
    #[must_use]
    pub fn state(&self) -> TopicState {
        let s = self.sequencer.lock();
        TopicState {
            epoch: self.lane.epoch,
            next: s.next,
            plain: s.members.plain(),
            groups: s.members.groups(),
            retired: self.is_retired(),
        }
    }

    /// What became of the deliveries of its events.
    #[must_use]
    pub fn counts(&self) -> LedgerCounts {
        self.ledger.counts()
    }

    /// Whether it has ended.
    pub(super) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }

    pub(super) fn set_actor(&self, actor: Addr<TopicActor>) {
        // A topic gets its actor once, when it is made.
        let _ = self.actor.set(actor);
    }

    /// The actor that owns its members.
    #[must_use]
    pub fn actor(&self) -> Option<&Addr<TopicActor>> {
        self.actor.get()
    }

    /// Numbers a run and appends it to the queue of everyone who is due it.
    ///
    /// `touched` collects the outlets to flush when the caller has published all it has. Unless
    /// the result is [`Published::Done`], the run is as before.
    pub fn publish(&self, run: &mut PendingRun, now_ms: u64, touched: &mut Touched) -> Published {
        if run.count() == 0 {
            return Published::Done;
        }
        run.fit();
        let mut s = self.sequencer.lock();
        if self.is_retired() {
            return Published::Retired;
        }
        if run.is_request() && s.members.is_empty() {
            return Published::NobodyThere;
        }
        if let Some(full) = s.members.without_room(run.size()) {
            return Published::Wait(full.clone());
        }
        let sealed = run.seal(s.next, now_ms, &self.held, &self.ledger);
        s.next += u64::from(sealed.count);
        s.members.deliver(&self.lane, &sealed, &self.held, touched);
        s.history.push(QueuedRun {
            lane: self.lane.clone(),
            ledger: sealed.ledger,
            group: None,
            first: sealed.first,
            count: sealed.count,
            overflow: Default::default(),
            head: Default::default(),
            body: sealed.bytes,
            views: sealed.views,
        });
        Published::Done
    }

    /// Adds a subscription to a topic that has no event yet, and so no past to tell of.
    pub(super) fn adopt(&self, entry: &SubscriptionEntry) {
        self.sequencer.lock().members.join(entry);
    }

    /// Adds a subscription, from the next event on; then, for it alone, what it asked for of the
    /// past. Does nothing if it is there already, or if its connection has ended.
    pub(crate) fn join(&self, entry: &SubscriptionEntry) {
        let mut s = self.sequencer.lock();
        if self.is_retired() || entry.outlet.queue().is_closed() {
            return;
        }
        if s.members.join(entry) {
            self.tell_past(&s, entry);
        }
    }

    fn tell_past(&self, s: &Sequencer, entry: &SubscriptionEntry) {
        let lane = Lane { subscription: Some(entry.id), ..self.lane.clone() };
        let queue = entry.outlet.queue();
        let tell_position = || {
            if entry.positions {
                queue.append_position(&lane, s.next);
            }
        };
        match &entry.start {
            Start::Live => tell_position(),
            Start::Last => {
                tell_position();
                if let Some(newest) = s.history.newest() {
                    replay(&s.history, newest, entry);
                }
            }
            Start::After(seen) => {
                let seen = seen.get(lane.topic.as_str()).copied();
                let from = self.resume_point(seen, &lane, entry);
                let oldest = s.history.oldest().unwrap_or(s.next);
                if from < oldest {
                    queue.append_gap(lane.clone(), from, Some(oldest - 1), GapReason::Away);
                }
                replay(&s.history, from, entry);
                // Behind the past: a client that loses its connection in between must not take
                // this for how far it has come.
                tell_position();
            }
        }
    }

    /// The first number a returning subscriber has not seen.
    fn resume_point(&self, seen: Option<Position>, lane: &Lane, entry: &SubscriptionEntry) -> u64 {
        match seen {
            None => 1,
            Some(position) if position.epoch == lane.epoch => position.seq.saturating_add(1),
            Some(position) => {
                let old = Lane { epoch: position.epoch, ..lane.clone() };
                let from = position.seq.saturating_add(1);
                entry.outlet.queue().append_gap(old, from, None, GapReason::NewEpoch);
                1
            }
        }
    }

    /// Takes a subscription out. What waits for it as a member of a group goes to the others.
    pub(crate) fn leave(&self, entry: &SubscriptionEntry) -> Touched {
        let mut touched = Touched::new();
        let Some(name) = &entry.group else {
            self.sequencer.lock().members.leave_plain(entry);
            return touched;
        };
        if self.sequencer.lock().members.leave_group(entry, name) {
            // Not under the lock: it waits for a write that is under way.
            let lane = Lane { subscription: Some(entry.id), ..self.lane.clone() };
            let queue = entry.outlet.queue();
            let runs = queue.reclaim(&lane, name);
            if let Some(group) = self.sequencer.lock().members.group(name) {
                let left = group.redistribute(runs, &mut touched);
                queue.abandon(&left);
            }
        }
        touched
    }

    /// Ends the topic if it has no member and still stands at `next`.
    pub(super) fn retire(&self, next: u64) -> bool {
        let mut s = self.sequencer.lock();
        let retired = !self.is_retired() && s.members.is_empty() && s.next == next;
        if retired {
            s.history.clear();
            s.deposit = None;
            self.retired.store(true, Ordering::Release);
        }
        retired
    }

    /// Forgets all of its past but the last event.
    pub(super) fn forget_past(&self) {
        self.sequencer.lock().history.keep_last_event();
    }

    /// How many deliveries one event on it makes due.
    #[must_use]
    pub fn deliveries(&self) -> usize {
        self.sequencer.lock().members.deliveries()
    }
}

/// Queues what the history has from number `from` on, for one subscription.
fn replay(history: &History, from: u64, entry: &SubscriptionEntry) {
    let queue = entry.outlet.queue();
    for mut run in history.replay(from, entry.id, entry.outlet.role()) {
        run.overflow = entry.overflow;
        queue.count_due(&run.ledger, run.count);
        match queue.append_past(run) {
            Appended::Done => {}
            Appended::Overflowed(run) | Appended::Closed(run) => return queue.abandon(&[run]),
        }
    }
}
