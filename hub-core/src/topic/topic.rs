//! Defines a topic with its sequencer and its actor.
//!
//! The sequencer holds the order, the members and the history of the topic behind one lock. Without
//! that lock, two subscribers could see two orders. The actor changes the members and ends the
//! topic. Without the actor, a subscription could join while it leaves.

use super::delivery_stream::DeliveryStream;
use super::flush_list::FlushList;
use super::held_bytes::HeldBytes;
use super::history::{History, HistoryBudget};
use super::ledger::{Ledger, LedgerCounts};
use super::members::Members;
use super::pending_run::{PendingRun, PublishResult};
use super::queued_run::QueuedRun;
use super::replay::{Replay, RunLog};
use super::subscription_entry::SubscriptionEntry;
use crate::sync::{AtomicBool, Mutex, Ordering, REPLAY_BATCH_RUNS};
use actix::{Actor, ActorContext, Addr, AsyncContext, Context, Handler, Message, MessageResult};
use hub_wire::TopicName;
use std::any::Any;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Holds a value that the creator of a topic attaches to it. The topic drops the value when the
/// topic ends.
pub type TopicAttachment = Box<dyn Any + Send + Sync>;

/// Numbers the events of one topic and delivers them to its members.
///
/// Publishers number and deliver runs on their own threads, under the sequencer lock. Only the
/// actor of the topic changes the members. The actor takes the same lock, so a subscription starts
/// and ends at an exact place in the order.
#[derive(Debug)]
pub struct Topic {
    stream: DeliveryStream,
    ledger: Arc<Ledger>,
    sequencer: Mutex<Sequencer>,
    /// If this is true, the topic has ended. The field changes under the sequencer lock.
    retired: AtomicBool,
    actor: OnceLock<Addr<TopicActor>>,
    held: Arc<HeldBytes>,
}

/// Holds the parts of a topic that change together, under one lock.
#[derive(Debug)]
struct Sequencer {
    /// The next event gets this number.
    next: u64,
    members: Members,
    history: History,
    /// The creator of the topic attached this value to it.
    attachment: Option<TopicAttachment>,
}

/// Describes the state of a topic, for tests and the admin API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicState {
    /// The event numbers belong to this epoch.
    pub epoch: u64,
    /// The next event gets this number.
    pub next: u64,
    /// This many connections have plain subscriptions for the topic.
    pub plain: usize,
    /// The topic has this many queue groups.
    pub groups: usize,
    /// If this is true, the topic has ended.
    pub retired: bool,
}

impl Topic {
    pub(super) fn new(
        name: TopicName,
        epoch: u64,
        budget: Arc<HistoryBudget>,
        held: Arc<HeldBytes>,
        attachment: Option<TopicAttachment>,
    ) -> Self {
        let history = History::new(budget);
        let sequencer = Sequencer { next: 1, members: Members::default(), history, attachment };
        Topic {
            stream: DeliveryStream { topic: name, epoch, subscription: None },
            ledger: Arc::default(),
            sequencer: Mutex::new(sequencer),
            retired: AtomicBool::new(false),
            actor: OnceLock::new(),
            held,
        }
    }

    /// Returns the name of the topic.
    #[must_use]
    pub fn name(&self) -> &TopicName {
        &self.stream.topic
    }

    /// Returns the epoch of the event numbers. The epoch is a different one each time that a topic of
    /// this name begins anew.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.stream.epoch
    }

    /// Returns the state of the topic.
    #[must_use]
    pub fn state(&self) -> TopicState {
        let s = self.sequencer.lock();
        TopicState {
            epoch: self.stream.epoch,
            next: s.next,
            plain: s.members.plain(),
            groups: s.members.groups(),
            retired: self.is_retired(),
        }
    }

    /// Returns the counts of the ledger of the topic.
    #[must_use]
    pub fn counts(&self) -> LedgerCounts {
        self.ledger.counts()
    }

    /// Returns whether the topic has ended.
    pub(super) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }

    /// Sets the actor of the topic.
    pub(super) fn set_actor(&self, actor: Addr<TopicActor>) {
        // A topic gets its actor only once, when it is created.
        let _ = self.actor.set(actor);
    }

    /// Returns the address of the actor that changes the members of the topic.
    #[must_use]
    pub fn actor(&self) -> Option<&Addr<TopicActor>> {
        self.actor.get()
    }

    /// Numbers a run and appends it to the queues of all members.
    ///
    /// The connections that got the run are added to `to_flush`. The caller flushes them when it
    /// has published everything that it has. Unless the result is [`PublishResult::Done`], the run is
    /// unchanged.
    pub fn publish(
        &self,
        run: &mut PendingRun,
        now_ms: u64,
        to_flush: &mut FlushList,
    ) -> PublishResult {
        if run.count() == 0 {
            return PublishResult::Done;
        }
        run.fit();
        let mut s = self.sequencer.lock();
        if self.is_retired() {
            return PublishResult::Retired;
        }
        if run.is_request() && s.members.is_empty() {
            return PublishResult::NobodyThere;
        }
        if let Some(full) = s.members.without_room(run.size()) {
            return PublishResult::Wait(full.clone());
        }
        let numbered = run.number(s.next, now_ms, &self.held, &self.ledger);
        s.next += u64::from(numbered.count);
        s.members.deliver(&self.stream, &numbered, &self.held, to_flush);
        s.history.push(QueuedRun {
            stream: self.stream.clone(),
            ledger: numbered.ledger,
            group: None,
            first: numbered.first,
            count: numbered.count,
            overflow: Default::default(),
            head: Default::default(),
            body: numbered.bytes,
            views: numbered.views,
        });
        PublishResult::Done
    }

    /// Adds a subscription to a topic that has no event yet, and so nothing to replay.
    pub(super) fn adopt(&self, entry: &SubscriptionEntry) {
        self.sequencer.lock().members.join(entry);
    }

    /// Queues the replay that a subscription asked for, and adds the subscription to the members,
    /// from the next event on. The call does nothing if the subscription is a member already, or if
    /// its connection has ended.
    ///
    /// The history is read outside of the lock, see [`replay`](super::replay).
    pub(crate) fn join(&self, entry: &SubscriptionEntry) {
        // The reader takes the lock when it is dropped. It is declared before the guard of the lock, so
        // it is dropped after the guard.
        let mut log: Option<HistoryReader<'_>> = None;
        let mut s = self.sequencer.lock();
        if self.is_retired() || entry.connection.queue().is_closed() || s.members.contains(entry) {
            return;
        }
        // A queue group has a position in the topic, and its members have none of their own.
        if entry.group.is_none() {
            let shares = s.members.is_plain(entry.connection.number());
            let mut replay = Replay::new(entry, &self.stream, s.next, &s.history, shares);
            while !replay.has_caught_up(&s.history) {
                s.history.keep_from(replay.next());
                drop(s);
                replay.read(log.get_or_insert_with(|| HistoryReader(&self.sequencer)));
                s = self.sequencer.lock();
            }
            if entry.connection.queue().is_closed() {
                return;
            }
            replay.finish(s.next, &s.history);
        }
        s.members.join(entry);
    }

    /// Removes a subscription. Runs that wait for it as a member of a queue group go to the other
    /// members. The caller flushes the connections that got such runs.
    pub(crate) fn leave(&self, entry: &SubscriptionEntry) -> FlushList {
        let mut to_flush = FlushList::new();
        let Some(name) = &entry.group else {
            self.sequencer.lock().members.leave_plain(entry);
            return to_flush;
        };
        if self.sequencer.lock().members.leave_group(entry, name) {
            // The call waits for a write that is under way, so it must not hold the sequencer lock.
            let stream = DeliveryStream { subscription: Some(entry.id), ..self.stream.clone() };
            let queue = entry.connection.queue();
            let runs = queue.reclaim(&stream, name);
            if let Some(group) = self.sequencer.lock().members.group(name) {
                let left = group.redistribute(runs, &mut to_flush);
                queue.abandon(&left);
            }
        }
        to_flush
    }

    /// Ends the topic if it has no members and its next event number is still `next`. Returns
    /// whether the topic has ended by this call.
    pub(super) fn retire(&self, next: u64) -> bool {
        let mut s = self.sequencer.lock();
        let retired = !self.is_retired() && s.members.is_empty() && s.next == next;
        if retired {
            s.history.clear();
            s.attachment = None;
            self.retired.store(true, Ordering::Release);
        }
        retired
    }

    /// Drops the history of the topic, except for the last event.
    pub(crate) fn forget_past(&self) {
        self.sequencer.lock().history.keep_last_event();
    }

    /// Returns how many deliveries one event of the topic makes due.
    #[must_use]
    pub fn deliveries(&self) -> usize {
        self.sequencer.lock().members.deliveries()
    }
}

/// Reads the history of a topic in batches, and holds the lock only while it copies a batch.
///
/// The history keeps the runs that the reader still has to read until the reader is dropped. A panic
/// drops the reader as well.
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

/// This function ends a topic and removes it from the registry, if its next event number is still
/// the given number. It returns whether it did so.
pub(super) type Retire = Box<dyn Fn(&Topic, u64) -> bool + Send>;

/// Lets subscriptions join and leave one [`Topic`], and ends the topic when it has been idle for
/// long enough.
pub struct TopicActor {
    topic: Arc<Topic>,
    retire: Retire,
    idle: Duration,
    /// At the last check, the topic had this next event number.
    next_at_last_check: u64,
}

/// Asks the actor to add a subscription to the topic. The actor answers when the subscription is in
/// place.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Join(pub Arc<SubscriptionEntry>);

/// Asks the actor to remove a subscription from the topic.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Leave(pub Arc<SubscriptionEntry>);

/// Asks the actor for the state of the topic.
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
        TopicActor { topic, retire, idle, next_at_last_check: 0 }
    }

    /// Ends the topic if it got no event since the last check.
    fn check_idle(&mut self, ctx: &mut Context<Self>) {
        let next = self.topic.state().next;
        if next == self.next_at_last_check && (self.retire)(&self.topic, next) {
            return ctx.stop();
        }
        self.next_at_last_check = next;
        ctx.run_later(self.idle, Self::check_idle);
    }
}

impl Actor for TopicActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_later(self.idle, Self::check_idle);
    }
}

impl Handler<Join> for TopicActor {
    type Result = ();

    fn handle(&mut self, Join(entry): Join, _: &mut Context<Self>) {
        self.topic.join(&entry);
        entry.connection.flush();
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
