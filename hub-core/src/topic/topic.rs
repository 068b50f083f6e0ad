//! A topic: its order, its members and its memory, behind one lock; and the actor that owns its
//! members and its end.
//!
//! Without the lock, two subscribers could see two orders. Without the actor, a subscription could
//! join while the same subscription leaves.

use super::delivery_stream::Lane;
use super::flush_list::FlushList;
use super::held_bytes::HeldBytes;
use super::history::{History, HistoryBudget};
use super::ledger::{Ledger, LedgerCounts};
use super::members::Members;
use super::pending_run::{PendingRun, Published};
use super::queued_run::QueuedRun;
use super::replay::{Replay, RunLog};
use super::subscription_entry::SubscriptionEntry;
use crate::sync::{AtomicBool, Mutex, Ordering, REPLAY_BATCH_RUNS};
use actix::{Actor, ActorContext, Addr, AsyncContext, Context, Handler, Message, MessageResult};
use hub_wire::TopicName;
use std::any::Any;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// What somebody leaves with a topic that is made for him: it is dropped when the topic ends.
pub type Deposit = Box<dyn Any + Send + Sync>;

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
    /// The connections that got the run are added to `to_flush`. The caller flushes them when it
    /// has published everything that it has. Unless the result is [`Published::Done`], the run is
    /// unchanged.
    pub fn publish(
        &self,
        run: &mut PendingRun,
        now_ms: u64,
        to_flush: &mut FlushList,
    ) -> Published {
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
        s.members.deliver(&self.lane, &sealed, &self.held, to_flush);
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

    /// Hands over what a subscription asked for of the past, and adds it to the members, from the
    /// next event on. Does nothing if it is there already, or if its connection has ended.
    ///
    /// The past is read outside of the lock, see [`replay`](super::replay).
    pub(crate) fn join(&self, entry: &SubscriptionEntry) {
        // Declared before the lock's guard, and so dropped after it: dropping it takes the lock.
        let mut log: Option<HistoryReader<'_>> = None;
        let mut s = self.sequencer.lock();
        if self.is_retired() || entry.outlet.queue().is_closed() || s.members.contains(entry) {
            return;
        }
        // A group has its position in the order, whoever its members are.
        if entry.group.is_none() {
            let shares = s.members.is_plain(entry.outlet.connection());
            let mut replay = Replay::new(entry, &self.lane, s.next, &s.history, shares);
            while !replay.has_caught_up(&s.history) {
                s.history.keep_from(replay.next());
                drop(s);
                replay.read(log.get_or_insert_with(|| HistoryReader(&self.sequencer)));
                s = self.sequencer.lock();
            }
            if entry.outlet.queue().is_closed() {
                return;
            }
            replay.finish(s.next, &s.history);
        }
        s.members.join(entry);
    }

    /// Takes a subscription out. What waits for it as a member of a group goes to the others.
    pub(crate) fn leave(&self, entry: &SubscriptionEntry) -> FlushList {
        let mut to_flush = FlushList::new();
        let Some(name) = &entry.group else {
            self.sequencer.lock().members.leave_plain(entry);
            return to_flush;
        };
        if self.sequencer.lock().members.leave_group(entry, name) {
            // Not under the lock: it waits for a write that is under way.
            let lane = Lane { subscription: Some(entry.id), ..self.lane.clone() };
            let queue = entry.outlet.queue();
            let runs = queue.reclaim(&lane, name);
            if let Some(group) = self.sequencer.lock().members.group(name) {
                let left = group.redistribute(runs, &mut to_flush);
                queue.abandon(&left);
            }
        }
        to_flush
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
    pub(crate) fn forget_past(&self) {
        self.sequencer.lock().history.keep_last_event();
    }

    /// How many deliveries one event on it makes due.
    #[must_use]
    pub fn deliveries(&self) -> usize {
        self.sequencer.lock().members.deliveries()
    }
}

/// Reads a topic's memory in batches, and holds the lock for no longer than a batch takes to copy.
/// The memory forgets nothing that is still to be read until this is dropped, also by a panic.
struct HistoryReader<'a>(&'a Mutex<Sequencer>);

impl RunLog for HistoryReader<'_> {
    fn read(&self, from: u64) -> Vec<QueuedRun> {
        self.0.lock().history.read(from, REPLAY_BATCH_RUNS)
    }
}

impl Drop for HistoryReader<'_> {
    fn drop(&mut self) {
        self.0.lock().history.keep_no_longer();
    }
}

/// Takes a topic that still stands at this number out of the registry and ends it; whether it did.
pub(super) type Retire = Box<dyn Fn(&Topic, u64) -> bool + Send>;

/// Owns the life of one [`Topic`]: who joins, who leaves, and when it has been idle for so long
/// that it is forgotten.
pub struct TopicActor {
    topic: Arc<Topic>,
    retire: Retire,
    idle: Duration,
    /// Where the topic stood when it was last looked at.
    stood_at: u64,
}

/// Adds a subscription to the topic. Answered when it is in place.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Join(pub Arc<SubscriptionEntry>);

/// Takes a subscription out of the topic.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Leave(pub Arc<SubscriptionEntry>);

/// Asks how the topic stands.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "TopicState")]
pub struct Inspect;

impl std::fmt::Debug for TopicActor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TopicActor").field("topic", &self.topic).finish_non_exhaustive()
    }
}

impl TopicActor {
    pub(super) fn new(topic: Arc<Topic>, retire: Retire, idle: Duration) -> Self {
        TopicActor { topic, retire, idle, stood_at: 0 }
    }

    /// Ends the topic if nothing happened on it between two looks.
    fn look(&mut self, ctx: &mut Context<Self>) {
        let stands_at = self.topic.state().next;
        if stands_at == self.stood_at && (self.retire)(&self.topic, stands_at) {
            return ctx.stop();
        }
        self.stood_at = stands_at;
        ctx.run_later(self.idle, Self::look);
    }
}

impl Actor for TopicActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_later(self.idle, Self::look);
    }
}

impl Handler<Join> for TopicActor {
    type Result = ();

    fn handle(&mut self, Join(entry): Join, _: &mut Context<Self>) {
        self.topic.join(&entry);
        entry.outlet.flush();
    }
}

impl Handler<Leave> for TopicActor {
    type Result = ();

    fn handle(&mut self, Leave(entry): Leave, _: &mut Context<Self>) {
        self.topic.leave(&entry).flush();
    }
}

impl Handler<Inspect> for TopicActor {
    type Result = MessageResult<Inspect>;

    fn handle(&mut self, _: Inspect, _: &mut Context<Self>) -> Self::Result {
        MessageResult(self.topic.state())
    }
}
