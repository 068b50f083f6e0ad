//! Defines a topic with its sequencer.
//!
//! The sequencer holds the order, the members and the history of the topic behind one lock. Without
//! that lock, two subscribers could see two orders.

use super::account::{Caused, Charge, MemoryAccount};
use super::delivery_stream::DeliveryStream;
use super::flush_list::FlushList;
use super::held_bytes::HeldBytes;
use super::history::History;
use super::history_budget::{HasPast, HistoryBudget, Listed};
use super::ledger::{Ledger, LedgerCounts};
use super::members::Members;
use super::pending_run::{PendingRun, PublishResult};
use super::queued_run::QueuedRun;
use super::replays::Replays;
use super::room::RoomFor;
use super::run_source::RunSource;
use super::subscription_entry::SubscriptionEntry;
use super::topic_actor::TopicActor;
use crate::sync::{AtomicBool, Mutex, Ordering};
use actix::Addr;
use hub_wire::{SubscriptionIds, TopicName};
use std::any::Any;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;

/// Holds a value that the creator of a topic attaches to it. The topic drops the value when the
/// topic ends.
pub type TopicAttachment = Box<dyn Any + Send + Sync>;

/// A member of a queue group gets at most this many of the waiting runs under one hold of the
/// sequencer lock.
const REFILLED_AT_ONCE: usize = 256;

/// Numbers the events of one topic and delivers them to its members.
///
/// Publishers number and deliver runs on their own threads, under the sequencer lock. Only the
/// actor of the topic changes the members. The actor takes the same lock, so a subscription starts
/// and ends at an exact place in the order.
#[derive(Debug)]
pub struct Topic {
    /// The topic itself, for those that come back to it later.
    this: Weak<Topic>,
    /// The topic itself, for the budget of the histories.
    past: Weak<dyn HasPast>,
    name: TopicName,
    /// If this is true, the topic is the inbox of a client.
    is_inbox: bool,
    epoch: u64,
    ledger: Arc<Ledger>,
    pub(super) sequencer: Mutex<Sequencer>,
    budget: Arc<HistoryBudget>,
    /// If this is true, the topic has ended. The field changes under the sequencer lock.
    retired: AtomicBool,
    actor: OnceLock<Addr<TopicActor>>,
    held: Arc<HeldBytes>,
    /// This many events wait to be given again, or to become dead letters.
    set_aside: AtomicU64,
    /// When the topic last gave something up because memory was short, the next event had this number.
    pub(super) next_when_giving_way: AtomicU64,
}

/// Holds the parts of a topic that change together, under one lock.
#[derive(Debug)]
pub(super) struct Sequencer {
    /// The next event gets this number.
    pub(super) next: u64,
    pub(super) members: Members,
    pub(super) history: History,
    /// These subscriptions become members when they have got the past that they asked for.
    pub(super) replays: Replays,
    /// The creator of the topic attached this value to it.
    attachment: Option<TopicAttachment>,
    /// The topic is charged to the connection that made it.
    charge: Option<Charge>,
    /// The connection that made the topic has caused the memberships that it began with. If they counted for
    /// the subscribers only, a client could fill the memory with topics, and others would have to give.
    pub(super) adopted: Option<Caused>,
}

/// A topic takes this many bytes besides its name and its events: the topic, and its actor with a timer
/// and a mailbox. This and the other sizes are measured (hub-server's test `the_sum_is_the_truth`).
const TOPIC: usize = 2 * 1024;
/// An index takes this many bytes for each byte of a name or a filter: mostly for its nodes, of which each
/// token needs one.
const INDEXED: usize = 19;

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
        maker: Option<&Arc<MemoryAccount>>,
    ) -> Arc<Self> {
        let bytes = TOPIC + INDEXED * name.as_str().len();
        let sequencer = Sequencer {
            next: 1,
            members: Members::default(),
            history: History::new(budget.clone()),
            replays: Replays::default(),
            attachment,
            charge: maker.map(|maker| Charge::new(maker, bytes)),
            adopted: None,
        };
        Arc::new_cyclic(|this| Topic {
            this: this.clone(),
            past: this.clone(),
            is_inbox: name.is_inbox(),
            name,
            epoch,
            ledger: Arc::default(),
            sequencer: Mutex::new(sequencer),
            budget,
            retired: AtomicBool::new(false),
            actor: OnceLock::new(),
            held,
            set_aside: AtomicU64::new(0),
            next_when_giving_way: AtomicU64::new(0),
        })
    }

    pub(super) fn held(&self) -> &Arc<HeldBytes> {
        &self.held
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Returns the count of the events that wait to be given again, or to become dead letters.
    pub(super) fn set_aside(&self) -> &AtomicU64 {
        &self.set_aside
    }

    /// Counts events that wait to be given again. Returns false if the topic has ended, because it has no
    /// actor then that would give them. A topic for which this returned true does not end before they are
    /// given or given up.
    pub(super) fn set_aside_unless_retired(&self, events: u64) -> bool {
        // The topic ends under this lock, so it cannot end between the question and the count.
        let _sequencer = self.sequencer.lock();
        let goes_on = !self.is_retired();
        if goes_on {
            self.set_aside.fetch_add(events, Ordering::Relaxed);
        }
        goes_on
    }

    pub(super) fn this(&self) -> &Weak<Topic> {
        &self.this
    }

    /// Returns the name of the topic.
    #[must_use]
    pub fn name(&self) -> &TopicName {
        &self.name
    }

    /// Returns the epoch of the event numbers. The epoch is a different one each time that a topic of
    /// this name begins anew.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Returns the state of the topic.
    #[must_use]
    pub fn state(&self) -> TopicState {
        let s = self.sequencer.lock();
        TopicState {
            epoch: self.epoch,
            next: s.next,
            plain: s.members.plain() + s.replays.len(),
            groups: s.members.groups(),
            retired: self.is_retired(),
        }
    }

    /// Returns the counts of the ledger of the topic.
    #[must_use]
    pub fn counts(&self) -> LedgerCounts {
        self.ledger.counts()
    }

    /// Returns the stream of the topic's events for these subscriptions of a connection.
    pub(super) fn stream_for(&self, subscriptions: SubscriptionIds) -> DeliveryStream {
        DeliveryStream { topic: self.name.clone(), epoch: self.epoch, subscriptions }
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

    /// Describes `publisher`, whose memory counts in `account`, as a publisher of the topic.
    ///
    /// What an inbox keeps counts for its owner, who asked for it. Otherwise clients that ask and do not read the
    /// answers could have the memory counted for whoever answers.
    #[must_use]
    pub fn source(&self, publisher: &str, account: Option<&Arc<MemoryAccount>>) -> Arc<RunSource> {
        let inbox = self.is_inbox.then(|| self.sequencer.lock());
        let owner = inbox.as_ref().and_then(|s| s.charge.as_ref()).map(Charge::account);
        RunSource::new(self.name.as_str(), self.epoch, publisher, owner.or(account))
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
        if run.is_request() && !s.has_subscriber() {
            return PublishResult::NobodyThere;
        }
        // Whoever answers a request does not wait for a client that does not read the answers.
        if !self.is_inbox
            && let Some(full) = s.members.without_room(run.room())
        {
            return PublishResult::Wait(full.clone());
        }
        if let Some(holding) = s.replays.holding()
            && s.history.is_short_for(run.size())
        {
            return PublishResult::Wait(holding.connection.clone());
        }
        let numbered = run.number(s.next, now_ms, &self.held, &self.ledger);
        s.next += u64::from(numbered.count);
        let stream = self.stream_for(SubscriptionIds::NONE);
        s.members.deliver(&stream, &numbered, &self.held, to_flush);
        let past = QueuedRun {
            stream,
            ledger: numbered.ledger,
            group: None,
            first: numbered.first,
            count: numbered.count,
            overflow: Default::default(),
            attempt: 1,
            credited: false,
            source: numbered.source,
            time_ms: numbered.time_ms,
            events: numbered.events,
            views: numbered.views,
            keys: None,
        };
        let size = past.size();
        s.history.push(past, &self.past);
        drop(s);
        if !self.budget.make_room(size) {
            self.sequencer.lock().history.ensure_budget();
        }
        PublishResult::Done
    }

    /// Ends the grace of all subscribers that have no room for a run.
    pub fn end_graces(&self, room: RoomFor) {
        self.sequencer.lock().members.end_graces(room);
    }

    /// Adds a subscription to a topic that has no event yet, and so nothing to replay.
    pub(super) fn adopt(&self, entry: &SubscriptionEntry) {
        self.sequencer.lock().members.join(entry);
    }

    /// Counts the subscriptions that the topic has adopted for the connection that made it.
    pub(super) fn count_adopted(&self, maker: &Arc<MemoryAccount>) {
        let mut s = self.sequencer.lock();
        s.adopted = Some(Caused::new(maker, s.members.bytes())).filter(|_| !s.members.is_empty());
    }

    /// Returns since when a queue group has had no member, if it has none.
    pub(super) fn deserted_since(&self, group: &str) -> Option<Instant> {
        self.sequencer.lock().members.group(group)?.deserted_since()
    }

    /// Ends a queue group that has had no member since this moment. What waits in it counts as lost.
    pub(super) fn end_group(&self, group: &str, since: Option<Instant>) {
        self.sequencer.lock().members.end_group(group, since);
    }

    /// Gives some of the events that wait in the queue group of this subscription to the members that
    /// have room now. The caller flushes the connections that got events. Returns whether more may
    /// wait for which there is room, so that the caller comes back.
    pub fn refill(&self, entry: &SubscriptionEntry, to_flush: &mut FlushList) -> bool {
        let mut s = self.sequencer.lock();
        let Some(group) = entry.group.as_ref().and_then(|name| s.members.group(name)) else {
            return false;
        };
        group.fed(entry);
        group.refill_some(&self.name, &self.held, to_flush, REFILLED_AT_ONCE)
    }

    /// Gives the next events of the keys of this run, which a member of an ordered queue group has
    /// finished. The caller flushes the connections that got events.
    pub fn finished(&self, entry: &SubscriptionEntry, run: QueuedRun, to_flush: &mut FlushList) {
        let mut s = self.sequencer.lock();
        if let Some(group) = entry.group.as_ref().and_then(|name| s.members.group(name)) {
            group.finished(run, &self.name, &self.held, to_flush);
        }
    }

    /// Returns how many events wait outside of the queues of connections: in queue groups, because no
    /// member has room for them, or to be given again.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        let in_groups = self.sequencer.lock().members.waiting_in_groups();
        in_groups + self.set_aside.load(Ordering::Relaxed)
    }

    /// Ends the topic if it has no members and its next event number is still `next`. Returns
    /// whether the topic has ended by this call.
    pub(super) fn retire(&self, next: u64) -> bool {
        let mut s = self.sequencer.lock();
        let retired = !self.is_retired()
            && s.members.is_empty()
            && s.replays.is_empty()
            && s.next == next
            && self.set_aside.load(Ordering::Relaxed) == 0;
        if retired {
            s.history.clear();
            s.attachment = None;
            s.charge = None;
            s.adopted = None;
            self.retired.store(true, Ordering::Release);
        }
        retired
    }

    /// Returns how many deliveries one event of the topic makes due.
    #[must_use]
    pub fn deliveries(&self) -> usize {
        let s = self.sequencer.lock();
        s.members.deliveries() + s.replays.len()
    }
}

impl Sequencer {
    /// Returns whether the topic has a subscription that answers requests.
    fn has_subscriber(&self) -> bool {
        self.members.has_subscriber() || self.replays.has_subscriber()
    }
}

impl HasPast for Topic {
    fn forget_oldest(&self, listed: Listed, until: u64, most: usize) -> usize {
        self.sequencer.lock().history.forget_for_all(listed, until, most, &self.past)
    }
}
