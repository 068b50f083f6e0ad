//! Divides the events of a topic among the members of a queue group: each event goes to one member.
//!
//! An event goes to a member that has room for it, and of those to the one that is least behind.
//! While no member has room, events wait in the group and belong to nobody, so the member that
//! finishes first gets the next one. If they waited for a certain member instead, a slow worker would
//! keep events from idle workers.

mod waiting;
mod waker;

use super::account::Charge;
use super::backlog::Backlog;
use super::flow::FlowGauge;
use super::flush_list::FlushList;
use super::held_bytes::{HeldBytes, ReportedSize};
use super::key_order::KeyOrder;
use super::ledger::{Ledger, count};
use super::queue::Appended;
use super::queued_run::{ITEM_OVERHEAD, QueuedRun};
use super::room::RoomFor;
use super::subscriber_connection::SubscriberConnection;
use super::subscription_entry::SubscriptionEntry;
use crate::overflow::{policy, strictest, without_publisher};
use hub_wire::{Overflow, SubscriptionIds, TopicName};
use indexmap::IndexMap;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Instant;
use waker::GroupWaker;

/// Holds the members of one queue group of a topic.
#[derive(Debug)]
pub(super) struct Group {
    name: Arc<str>,
    /// The key of a member consists of the number of its connection and the id of its subscription.
    members: IndexMap<(u64, u64), GroupMember>,
    /// The member with this index gets the next event, if others are not less behind.
    next: usize,
    /// No member has room for these events. Only a group with a window among its members has such
    /// events.
    waiting: Backlog,
    /// This is what the waiting events take beside their runs.
    size: ReportedSize,
    /// These events wait for earlier events of their keys, if all members ask for that order.
    keys: KeyOrder,
    waker: Arc<GroupWaker>,
    /// The ledger of the hub.
    ledger: Arc<Ledger>,
    /// While the group has no connected member, this policy applies to the events that wait.
    last_overflow: Overflow,
    /// While the group has no connected member, at most this many bytes wait.
    last_limit: usize,
    /// The last member left at this moment.
    deserted: Option<Instant>,
}

/// Describes one member of a queue group.
#[derive(Debug)]
struct GroupMember {
    connection: Arc<dyn SubscriberConnection>,
    subscription: u64,
    overflow: Overflow,
    flow: Option<Arc<FlowGauge>>,
    /// If this is true, the member asks for the order of keys.
    ordered: bool,
    /// If this is true, the session of the member knows that events wait in the group.
    hungry: bool,
    /// The membership is charged for as long as it lasts.
    _charge: Option<Charge>,
}

impl GroupMember {
    /// Returns whether the connection of the member accepts runs.
    fn is_open(&self) -> bool {
        !self.connection.queue().is_closed()
    }

    /// Returns how many events of a run of `size` bytes the member has room for.
    fn room(&self, size: usize) -> usize {
        match &self.flow {
            Some(flow) => flow.open_events(),
            None if self.connection.queue().has_room(size) => usize::MAX,
            None => 0,
        }
    }

    /// Returns how many events the member has not finished. Without a window, the hub does not know
    /// that, and the member just takes its turn.
    fn behind(&self) -> usize {
        self.flow.as_ref().map_or(0, |flow| flow.on_the_way())
    }
}

/// Returns the key of a member.
fn key(entry: &SubscriptionEntry) -> (u64, u64) {
    (entry.connection.number(), entry.id)
}

impl Group {
    /// Returns an empty group for the first subscription that will join it.
    pub(super) fn new(name: Arc<str>, first: &SubscriptionEntry) -> Self {
        let queue = first.connection.queue();
        Group {
            name,
            members: IndexMap::new(),
            next: 0,
            waiting: Backlog::default(),
            size: ReportedSize::new(queue.ledger().held()),
            keys: KeyOrder::default(),
            waker: Arc::default(),
            ledger: queue.ledger().clone(),
            last_overflow: first.overflow,
            last_limit: queue.limit(),
            deserted: None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Returns whether this subscription is a member.
    pub(super) fn contains(&self, entry: &SubscriptionEntry) -> bool {
        self.members.contains_key(&key(entry))
    }

    /// Adds a subscription as a member, unless it is one already.
    pub(super) fn join(&mut self, entry: &SubscriptionEntry) {
        self.members.entry(key(entry)).or_insert_with(|| GroupMember {
            connection: entry.connection.clone(),
            subscription: entry.id,
            overflow: entry.overflow,
            flow: entry.flow.clone(),
            ordered: entry.ack.as_ref().is_some_and(|policy| policy.ordered),
            hungry: false,
            _charge: entry.membership(false),
        });
        self.deserted = None;
        self.last_overflow = entry.overflow;
        self.last_limit = entry.connection.queue().limit();
        self.waker.clone().wake();
    }

    /// Returns since when the group has had no member, if it has none.
    pub(super) fn deserted_since(&self) -> Option<Instant> {
        self.deserted
    }

    /// Removes a member. The runs that wait for it stay in its queue.
    pub(super) fn leave(&mut self, entry: &SubscriptionEntry) {
        let left = self.members.swap_remove(&key(entry));
        if left.is_some() && self.members.is_empty() {
            self.deserted = Some(Instant::now());
        }
        self.waker.clone().wake();
    }

    /// Notes that the session of a member knows of no waiting events any more.
    pub(super) fn fed(&mut self, entry: &SubscriptionEntry) {
        if let Some(member) = self.members.get_mut(&key(entry)) {
            member.hungry = false;
        }
    }

    /// Returns the members whose connections accept runs.
    fn open(&self) -> impl Iterator<Item = &GroupMember> {
        self.members.values().filter(|member| member.is_open())
    }

    /// Returns whether events may wait in the group: a member with a window asks for them when it
    /// has room, and a member that comes gets what waited while there was none.
    fn may_wait(&self) -> bool {
        self.open().any(|member| member.flow.is_some()) || self.open().next().is_none()
    }

    /// Returns how many bytes may wait in the group.
    fn limit(&self) -> usize {
        self.open().next().map_or(self.last_limit, |member| member.connection.queue().limit())
    }

    /// Returns the policy for events that wait in the group. No single member is to blame for them,
    /// so no connection is closed because of them.
    fn overflow(&self) -> Overflow {
        let Some(strictest) = strictest(self.open().map(|member| member.overflow)) else {
            return without_publisher(self.last_overflow); // Nobody can make room.
        };
        if policy(strictest).ends() { Overflow::DropOldest } else { strictest }
    }

    /// Returns the connection of a member for which a publisher has to wait.
    /// Returns `None` if a connected member has room, or if no member is connected.
    pub(super) fn without_room(&self, room: RoomFor) -> Option<&Arc<dyn SubscriberConnection>> {
        if self.has_room(room) {
            return None;
        }
        let first = self.open().next()?;
        *self.waker.0.lock() = Some(first.connection.clone());
        let waker = Waker::from(self.waker.clone());
        let number = first.connection.number();
        for member in self.members.values().filter(|m| m.connection.number() != number) {
            member.connection.queue().wake_when_drained(&waker);
        }
        // A queue that drained before the waker was registered there did not wake it.
        if self.has_room(room) { None } else { Some(&first.connection) }
    }

    /// Returns whether a publisher need not wait for the group.
    fn has_room(&self, room: RoomFor) -> bool {
        let waits = |member: &GroupMember| match &member.flow {
            Some(flow) => !self.waiting.is_empty() || flow.open_events() == 0,
            None => member.connection.queue().must_wait_as(room, member.overflow),
        };
        self.open().any(|member| !waits(member)) || self.may_wait() && self.has_room_to_wait(room)
    }

    /// Returns whether a run may wait in the group without holding its publisher.
    fn has_room_to_wait(&self, room: RoomFor) -> bool {
        let Some(first) = self.open().next() else { return true };
        let queue = first.connection.queue();
        let (waiting, limit) = (self.waiting_bytes(), queue.limit());
        !room.has_to_wait(waiting, limit, self.overflow(), queue.is_lagging())
    }

    /// Gives a run, which belongs to no member yet, to members of the group.
    pub(super) fn deliver(
        &mut self,
        run: QueuedRun,
        topic: &TopicName,
        held: &Arc<HeldBytes>,
        to_flush: &mut FlushList,
    ) {
        count(&self.ledger.due, run.count.into());
        count(&run.ledger.due, run.count.into());
        let run = QueuedRun { group: Some(self.name.clone()), ..run };
        if self.is_ordered() {
            for run in self.keys.admit(run, held) {
                self.let_wait(run, to_flush);
            }
            return self.refill(topic, held, to_flush);
        }
        if !self.waiting.is_empty() {
            self.let_wait(run, to_flush);
            return self.refill(topic, held, to_flush);
        }
        let left = self.divide(run, held, to_flush);
        for run in left {
            self.let_wait(run, to_flush);
        }
        self.ask_members(topic);
    }

    /// Returns whether all members ask for the order of keys.
    fn is_ordered(&self) -> bool {
        !self.members.is_empty() && self.members.values().all(|member| member.ordered)
    }

    /// Divides a run among the members that have room, and appends each part to the queue of its
    /// member. Returns the events for which no member has room.
    fn divide(
        &mut self,
        run: QueuedRun,
        held: &Arc<HeldBytes>,
        to_flush: &mut FlushList,
    ) -> Vec<QueuedRun> {
        let (mut to_give, mut left) = (vec![run], Vec::new());
        while let Some(run) = to_give.pop() {
            let takers = self.takers(&run);
            if takers.is_empty() {
                left.push(run);
                continue;
            }
            let divided =
                takers.len() > 1 || takers.iter().any(|(_, room)| *room < run.count as usize);
            let mut rest = Some(run);
            for (turn, (place, room)) in takers.iter().enumerate() {
                let Some(run) = rest.take() else { break };
                // Neighbouring events go to one member, so that each part needs one RUN frame.
                let share = run.count.div_ceil((takers.len() - turn) as u32);
                let share = share.min(u32::try_from(*room).unwrap_or(u32::MAX));
                let mut part = run;
                if share < part.count {
                    let (front, behind) = part.split_at(share);
                    (part, rest) = (front, Some(behind));
                }
                if divided {
                    // A slice would keep the whole run in memory until the slowest member has
                    // finished its part.
                    part.events = held.hold(part.events.to_vec());
                }
                self.next = place + 1;
                // A member whose connection has just ended gives its part back, and has no room any
                // more.
                to_give.extend(self.give(*place, part, RunOrigin::Published, to_flush));
            }
            to_give.extend(rest);
        }
        left
    }

    /// Returns the indexes of the members that have room for events of a run, with the number of
    /// events. The member that is least behind comes first, and the next in turn among equals.
    fn takers(&self, run: &QueuedRun) -> Vec<(usize, usize)> {
        let most = run.count as usize;
        // Each part has an overhead of its own, and one connection can have several members.
        let divided = run.size() + ITEM_OVERHEAD * most.min(self.members.len());
        let mut takers = self.with_room(divided);
        if takers.is_empty() {
            takers = self.with_room(run.size());
            takers.truncate(1);
        }
        takers.truncate(most);
        takers
    }

    /// Returns the indexes of the members that have room for a run of `size` bytes, in the order of
    /// [`Group::takers`].
    fn with_room(&self, size: usize) -> Vec<(usize, usize)> {
        let mut found: Vec<(usize, (usize, usize))> = self
            .places(|member| member.room(size) > 0)
            .into_iter()
            .filter_map(|place| {
                let (_, member) = self.members.get_index(place)?;
                Some((member.behind(), (place, member.room(size))))
            })
            .collect();
        found.sort_by_key(|(behind, _)| *behind);
        found.into_iter().map(|(_, taker)| taker).collect()
    }

    /// Appends a run, which is already counted as due, to the queue of the member at this index.
    /// Returns the run if the queue does not accept it.
    fn give(
        &self,
        place: usize,
        mut run: QueuedRun,
        origin: RunOrigin,
        to_flush: &mut FlushList,
    ) -> Option<QueuedRun> {
        let Some((_, member)) = self.members.get_index(place) else { return Some(run) };
        run.stream.subscriptions = SubscriptionIds::one(member.subscription);
        run.overflow = member.overflow;
        if let Some(views) = &run.views {
            run.events = views.events_for(&member.connection.role());
        }
        let queue = member.connection.queue();
        let appended = match origin {
            RunOrigin::Published => queue.append_due(run),
            RunOrigin::LeftBehind => queue.append_past(run),
        };
        match appended {
            Appended::Done => {
                to_flush.add(&member.connection);
                None
            }
            Appended::Overflowed(back) => {
                member.connection.close_slow_consumer();
                Some(back)
            }
            Appended::Closed(back) => Some(back),
        }
    }

    /// Returns the indexes of the connected members for which `fit` returns true, the next in turn
    /// first.
    fn places(&self, fit: impl Fn(&GroupMember) -> bool) -> Vec<usize> {
        let count = self.members.len();
        let fits = |place: &usize| {
            let member = self.members.get_index(*place).map(|(_, member)| member);
            member.is_some_and(|member| member.is_open() && fit(member))
        };
        (0..count).map(|n| (self.next + n) % count).filter(fits).collect()
    }

    /// Appends a run to the queue of the first of these members that accepts it, and makes the member
    /// behind it the next in turn. Returns the run if no queue accepts it.
    fn give_to_first(
        &mut self,
        places: Vec<usize>,
        run: QueuedRun,
        origin: RunOrigin,
        to_flush: &mut FlushList,
    ) -> Option<QueuedRun> {
        let mut run = Some(run);
        for place in places {
            run = self.give(place, run.take()?, origin, to_flush);
            self.next = place + 1;
        }
        run
    }
}

/// States where a run comes from that a group appends to the queue of a member.
#[derive(Clone, Copy)]
enum RunOrigin {
    /// The run was just published, and its publisher has checked that there is room.
    Published,
    /// Another member of the group left the run behind.
    LeftBehind,
}
