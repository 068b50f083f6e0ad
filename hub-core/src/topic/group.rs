//! Divides the events of a topic among the members of a queue group: each event goes to one member.
//!
//! The group takes turns among its members and skips members whose queue is full. Without these
//! turns, one member would get all events, and a full member would delay or lose the events that
//! another member has room for.

use super::delivery_stream::DeliveryStream;
use super::flush_list::FlushList;
use super::frames::frame_ends;
use super::held_bytes::HeldBytes;
use super::pending_run::NumberedRun;
use super::queue::Appended;
use super::queued_run::{ITEM_OVERHEAD, QueuedRun};
use super::subscriber_connection::SubscriberConnection;
use super::subscription_entry::SubscriptionEntry;
use crate::overflow::policy;
use crate::sync::Mutex;
use bytes::Bytes;
use hub_wire::Overflow;
use indexmap::IndexMap;
use std::sync::Arc;
use std::task::{Wake, Waker};

/// A RUN frame that names a subscription is longer by at most this many bytes.
const SUBSCRIPTION_BYTES: usize = 8;

/// Holds the members of one queue group of a topic.
#[derive(Debug)]
pub(super) struct Group {
    name: Arc<str>,
    /// The key of a member consists of the number of its connection and the id of its subscription.
    members: IndexMap<(u64, u64), GroupMember>,
    /// The member with this index gets the next event.
    next: usize,
    waker: Arc<GroupWaker>,
}

/// Describes one member of a queue group.
#[derive(Debug)]
struct GroupMember {
    connection: Arc<dyn SubscriberConnection>,
    subscription: u64,
    overflow: Overflow,
}

/// Wakes the publishers that wait for a group when the queue of any member drains.
///
/// When all members are full, publishers wait for the queue of one member. The group registers this
/// waker at the queues of all other members. The waker holds the connection for whose queue the
/// publishers wait, and wakes them there.
#[derive(Debug, Default)]
struct GroupWaker(Mutex<Option<Arc<dyn SubscriberConnection>>>);

impl Wake for GroupWaker {
    fn wake(self: Arc<Self>) {
        let waited_for = self.0.lock().take();
        if let Some(connection) = waited_for {
            connection.queue().wake_waiting();
        }
    }
}

impl GroupMember {
    fn must_wait(&self, size: usize) -> bool {
        self.connection.queue().must_wait(size, self.overflow)
    }

    /// Returns whether the connection of the member accepts runs.
    fn is_open(&self) -> bool {
        !self.connection.queue().is_closed()
    }

    /// Returns whether the policy of the member drops events.
    fn may_drop(&self) -> bool {
        policy(self.overflow).drops()
    }
}

/// Returns the key of a member.
fn key(entry: &SubscriptionEntry) -> (u64, u64) {
    (entry.connection.number(), entry.id)
}

impl Group {
    pub(super) fn new(name: Arc<str>) -> Self {
        Group { name, members: IndexMap::new(), next: 0, waker: Arc::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Returns the member at this index in the order of the turns.
    fn member(&self, index: usize) -> Option<&GroupMember> {
        self.members.get_index(index).map(|(_, member)| member)
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
        });
        self.waker.clone().wake();
    }

    /// Removes a member. The runs that wait for it stay in its queue.
    pub(super) fn leave(&mut self, entry: &SubscriptionEntry) {
        self.members.swap_remove(&key(entry));
        self.waker.clone().wake();
    }

    /// Returns the connection of a member for which the publisher of a run of `size` bytes has to wait.
    /// Returns `None` if a connected member has room, or if no member is connected.
    pub(super) fn without_room(&self, size: usize) -> Option<&Arc<dyn SubscriberConnection>> {
        let room = || self.members.values().any(|m| m.is_open() && !m.must_wait(size));
        if room() {
            return None;
        }
        let first = self.members.values().find(|m| m.is_open())?;
        *self.waker.0.lock() = Some(first.connection.clone());
        let waker = Waker::from(self.waker.clone());
        let number = first.connection.number();
        for member in self.members.values().filter(|m| m.connection.number() != number) {
            member.connection.queue().wake_when_drained(&waker);
        }
        // A queue that drained before the waker was registered there did not wake it.
        if room() { None } else { Some(&first.connection) }
    }

    /// Returns the indexes of at most `most` connected members for which `fit` returns true. The
    /// first index is that of the next member in turn.
    fn candidates(&self, most: usize, fit: impl Fn(&GroupMember) -> bool) -> Vec<usize> {
        let count = self.members.len();
        (0..count)
            .map(|n| (self.next + n) % count)
            .filter(|place| self.member(*place).is_some_and(|m| m.is_open() && fit(m)))
            .take(most)
            .collect()
    }

    /// Returns the indexes of the members among which a run has to be divided.
    fn candidates_for(&self, run: &NumberedRun) -> Vec<usize> {
        let most = run.count as usize;
        // The queue of a member holds all views of a run, because another member may take over the
        // run.
        let views = run.views.as_ref().map_or(0, |views| views.size());
        let size = run.bytes.len() + views + SUBSCRIPTION_BYTES;
        // Each part has an overhead of its own, and one connection can have several members.
        let part = ITEM_OVERHEAD + run.head_len + SUBSCRIPTION_BYTES;
        let divided = size + part * most.min(self.members.len());
        let mut candidates = self.candidates(most, |m| m.connection.queue().has_room(divided));
        if candidates.is_empty() {
            candidates = self.candidates(1, |m| m.connection.queue().has_room(size));
        }
        // If no member has room, the run goes to members whose policy may drop events.
        if candidates.is_empty() {
            candidates = self.candidates(most, GroupMember::may_drop);
        }
        if candidates.is_empty() {
            candidates = self.candidates(most, |_| true);
        }
        candidates
    }

    /// Divides a run into parts, and appends each part to the queue of one member.
    pub(super) fn deliver(
        &mut self,
        stream: &DeliveryStream,
        run: &NumberedRun,
        held: &Arc<HeldBytes>,
        to_flush: &mut FlushList,
    ) {
        let Some(any) = self.member(0) else { return };
        // The queues of all members count in the same ledger of the hub.
        let ledger = any.connection.clone();
        ledger.queue().count_due(&run.ledger, run.count);
        let candidates = self.candidates_for(run);
        let events = run.events();
        // Neighbouring events go to one member, so that each part needs one RUN frame, and not each event.
        let parts = (candidates.len().max(1) as u32).min(run.count);
        let mut ends = frame_ends(&events);
        let (mut first, mut start) = (run.first, 0);
        for part in 0..parts {
            let count = run.count / parts + u32::from(part < run.count % parts);
            let end = ends.nth(count as usize - 1).unwrap_or(events.len());
            let queued = QueuedRun {
                stream: stream.clone(),
                ledger: run.ledger.clone(),
                group: Some(self.name.clone()),
                first,
                count,
                overflow: Overflow::default(),
                head: Bytes::new(),
                body: match parts {
                    1 => events.clone(),
                    // A slice would keep the whole run in memory until the slowest member has
                    // read its part.
                    _ => held.hold(events[start..end].to_vec()),
                },
                views: run.views.as_ref().map(|views| match parts {
                    1 => views.clone(),
                    _ => Arc::new(views.part((first - run.first) as usize, count as usize)),
                }),
            };
            let head = |id| run.head.for_subscription(id, first, count, run.time_ms).into();
            let order = candidates.iter().cycle().skip(part as usize).take(candidates.len());
            if let Some(rest) = self.offer(order, queued, head, to_flush, RunOrigin::Published) {
                ledger.queue().abandon(&[rest]);
            }
            (first, start) = (first + u64::from(count), end);
        }
        if let Some(last) = candidates.get(parts as usize - 1) {
            self.next = last + 1;
        }
    }

    /// Appends runs that a member left behind to the queues of other members. Returns the runs that no
    /// member accepted.
    pub(super) fn redistribute(
        &mut self,
        runs: Vec<QueuedRun>,
        to_flush: &mut FlushList,
    ) -> Vec<QueuedRun> {
        let mut left = Vec::new();
        let mut candidates = Vec::new();
        let mut full = false;
        for (turn, run) in runs.into_iter().enumerate() {
            if !full {
                let size = run.size();
                candidates = self.candidates(1, |m| m.connection.queue().has_room(size));
                self.next += 1;
                // Once no member has room, the following runs are not compared with each queue again.
                full = candidates.is_empty();
                if full {
                    candidates = self.candidates(usize::MAX, |_| true);
                }
            }
            let order = candidates
                .iter()
                .cycle()
                .skip(turn % candidates.len().max(1))
                .take(candidates.len());
            let original = run.clone();
            let head = |id| original.head_for(Some(id), original.first, original.count).into();
            let unnamed = QueuedRun { head: Bytes::new(), body: original.events(), ..run };
            left.extend(self.offer(order, unnamed, head, to_flush, RunOrigin::LeftBehind));
        }
        left
    }

    /// Appends a run, which is already counted as due, to the first of `candidates` whose queue accepts
    /// it. Returns the run if no queue accepts it.
    ///
    /// The connection of a candidate may have ended since it was chosen. In that case any other
    /// member with room gets the run.
    fn offer<'a>(
        &self,
        candidates: impl Iterator<Item = &'a usize>,
        mut run: QueuedRun,
        head: impl Fn(u64) -> Bytes,
        to_flush: &mut FlushList,
        origin: RunOrigin,
    ) -> Option<QueuedRun> {
        let size = run.size();
        let others = || self.candidates(usize::MAX, |m| m.connection.queue().has_room(size));
        let places = candidates.copied().chain(std::iter::once_with(others).flatten());
        for member in places.filter_map(|place| self.member(place)) {
            run.stream.subscription = Some(member.subscription);
            run.overflow = member.overflow;
            run.head = head(member.subscription);
            if let Some(views) = &run.views {
                run.body = views.events_for(&member.connection.role());
            }
            let queue = member.connection.queue();
            let appended = match origin {
                RunOrigin::Published => queue.append_due(run),
                RunOrigin::LeftBehind => queue.append_past(run),
            };
            match appended {
                Appended::Done => {
                    to_flush.add(&member.connection);
                    return None;
                }
                Appended::Overflowed(back) => {
                    member.connection.close_slow_consumer();
                    run = back;
                }
                Appended::Closed(back) => run = back,
            }
        }
        Some(run)
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
