//! A queue group: each event goes to one of its members.

use super::delivery_stream::Lane;
use super::flush_list::FlushList;
use super::frames::frame_ends;
use super::held_bytes::HeldBytes;
use super::outlet::Outlet;
use super::pending_run::Sealed;
use super::queue::Appended;
use super::queued_run::{ITEM_OVERHEAD, QueuedRun};
use super::subscription_entry::SubscriptionEntry;
use crate::overflow::policy;
use crate::sync::Mutex;
use bytes::Bytes;
use hub_wire::Overflow;
use indexmap::IndexMap;
use std::sync::Arc;
use std::task::{Wake, Waker};

/// Bytes by which a RUN frame grows when it names a subscription.
const NAMING: usize = 8;

#[derive(Debug)]
pub(super) struct Group {
    name: Arc<str>,
    /// By connection and subscription.
    members: IndexMap<(u64, u64), GroupMember>,
    /// Whose turn it is.
    next: usize,
    gate: Arc<Gate>,
}

#[derive(Debug)]
struct GroupMember {
    outlet: Arc<dyn Outlet>,
    subscription: u64,
    overflow: Overflow,
}

/// Where publishers wait when all members are full: at the queue of one of them. This wakes them
/// when another one drains.
#[derive(Debug, Default)]
struct Gate(Mutex<Option<Arc<dyn Outlet>>>);

impl Wake for Gate {
    fn wake(self: Arc<Self>) {
        let waited_for = self.0.lock().take();
        if let Some(outlet) = waited_for {
            outlet.queue().wake_waiting();
        }
    }
}

impl GroupMember {
    fn must_wait(&self, size: usize) -> bool {
        self.outlet.queue().must_wait(size, self.overflow)
    }

    fn is_open(&self) -> bool {
        !self.outlet.queue().is_closed()
    }

    fn may_drop(&self) -> bool {
        policy(self.overflow).drops()
    }
}

fn key(entry: &SubscriptionEntry) -> (u64, u64) {
    (entry.outlet.connection(), entry.id)
}

impl Group {
    pub(super) fn new(name: Arc<str>) -> Self {
        Group { name, members: IndexMap::new(), next: 0, gate: Arc::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The member at this index in the order of the turns.
    fn member(&self, index: usize) -> Option<&GroupMember> {
        self.members.get_index(index).map(|(_, member)| member)
    }

    pub(super) fn contains(&self, entry: &SubscriptionEntry) -> bool {
        self.members.contains_key(&key(entry))
    }

    /// Adds a member, unless it is there already.
    pub(super) fn join(&mut self, entry: &SubscriptionEntry) {
        self.members.entry(key(entry)).or_insert_with(|| GroupMember {
            outlet: entry.outlet.clone(),
            subscription: entry.id,
            overflow: entry.overflow,
        });
        self.gate.clone().wake();
    }

    /// Takes a member out. What waits for it stays in its queue.
    pub(super) fn leave(&mut self, entry: &SubscriptionEntry) {
        self.members.swap_remove(&key(entry));
        self.gate.clone().wake();
    }

    /// A member to wait for, if all that are connected are full.
    pub(super) fn without_room(&self, size: usize) -> Option<&Arc<dyn Outlet>> {
        let room = || self.members.values().any(|m| m.is_open() && !m.must_wait(size));
        if room() {
            return None;
        }
        let first = self.members.values().find(|m| m.is_open())?;
        *self.gate.0.lock() = Some(first.outlet.clone());
        let gate = Waker::from(self.gate.clone());
        let connection = first.outlet.connection();
        for member in self.members.values().filter(|m| m.outlet.connection() != connection) {
            member.outlet.queue().wake_when_drained(&gate);
        }
        // One that drained before it knew of the gate did not wake it.
        if room() { None } else { Some(&first.outlet) }
    }

    /// The places of at most `most` connected members for which `fit` holds, from the one on whose
    /// turn it is.
    fn takers(&self, most: usize, fit: impl Fn(&GroupMember) -> bool) -> Vec<usize> {
        let count = self.members.len();
        (0..count)
            .map(|n| (self.next + n) % count)
            .filter(|place| self.member(*place).is_some_and(|m| m.is_open() && fit(m)))
            .take(most)
            .collect()
    }

    /// The places of the members among whom a run is to be divided.
    fn takers_of(&self, run: &Sealed) -> Vec<usize> {
        let most = run.count as usize;
        // A member holds all views, in case another one takes over.
        let views = run.views.as_ref().map_or(0, |views| views.size());
        let size = run.bytes.len() + views + NAMING;
        // Each part costs its own, and several members can be one connection's.
        let part = ITEM_OVERHEAD + run.head_len + NAMING;
        let divided = size + part * most.min(self.members.len());
        let mut takers = self.takers(most, |m| m.outlet.queue().has_room(divided));
        if takers.is_empty() {
            takers = self.takers(1, |m| m.outlet.queue().has_room(size));
        }
        // Nobody has room: those that may drop something.
        if takers.is_empty() {
            takers = self.takers(most, GroupMember::may_drop);
        }
        if takers.is_empty() {
            takers = self.takers(most, |_| true);
        }
        takers
    }

    /// Appends a run to one member or more.
    pub(super) fn deliver(
        &mut self,
        lane: &Lane,
        run: &Sealed,
        held: &Arc<HeldBytes>,
        to_flush: &mut FlushList,
    ) {
        let Some(any) = self.member(0) else { return };
        // Any member's queue can count for the hub.
        let ledger = any.outlet.clone();
        ledger.queue().count_due(&run.ledger, run.count);
        let takers = self.takers_of(run);
        let events = run.events();
        // Neighbouring events go to one member: one RUN frame for each part, not for each event.
        let parts = (takers.len().max(1) as u32).min(run.count);
        let mut ends = frame_ends(&events);
        let (mut first, mut start) = (run.first, 0);
        for part in 0..parts {
            let count = run.count / parts + u32::from(part < run.count % parts);
            let end = ends.nth(count as usize - 1).unwrap_or(events.len());
            let queued = QueuedRun {
                lane: lane.clone(),
                ledger: run.ledger.clone(),
                group: Some(self.name.clone()),
                first,
                count,
                overflow: Overflow::default(),
                head: Bytes::new(),
                body: match parts {
                    1 => events.clone(),
                    // A slice would keep the whole run in memory for as long as the slowest
                    // member takes.
                    _ => held.hold(events[start..end].to_vec()),
                },
                views: run.views.as_ref().map(|views| match parts {
                    1 => views.clone(),
                    _ => Arc::new(views.part((first - run.first) as usize, count as usize)),
                }),
            };
            let head = |id| run.head.for_subscription(id, first, count, run.time_ms).into();
            let order = takers.iter().cycle().skip(part as usize).take(takers.len());
            if let Some(rest) = self.offer(order, queued, head, to_flush, Offer::New) {
                ledger.queue().abandon(&[rest]);
            }
            (first, start) = (first + u64::from(count), end);
        }
        if let Some(last) = takers.get(parts as usize - 1) {
            self.next = last + 1;
        }
    }

    /// Hands runs that a member left behind to the others; returns those that nobody took.
    pub(super) fn redistribute(
        &mut self,
        runs: Vec<QueuedRun>,
        to_flush: &mut FlushList,
    ) -> Vec<QueuedRun> {
        let mut left = Vec::new();
        let mut takers = Vec::new();
        let mut full = false;
        for (turn, run) in runs.into_iter().enumerate() {
            if !full {
                let size = run.size();
                takers = self.takers(1, |m| m.outlet.queue().has_room(size));
                self.next += 1;
                // Once nobody has room, members are not asked again for each run.
                full = takers.is_empty();
                if full {
                    takers = self.takers(usize::MAX, |_| true);
                }
            }
            let order = takers.iter().cycle().skip(turn % takers.len().max(1)).take(takers.len());
            let original = run.clone();
            let head = |id| original.head_for(Some(id), original.first, original.count).into();
            let unnamed = QueuedRun { head: Bytes::new(), body: original.events(), ..run };
            left.extend(self.offer(order, unnamed, head, to_flush, Offer::Left));
        }
        left
    }

    /// Appends a run, counted as due, to the first of `takers` that takes it; returns it if none
    /// does. Those that were chosen may have ended since: then any other with room may take it.
    fn offer<'a>(
        &self,
        takers: impl Iterator<Item = &'a usize>,
        mut run: QueuedRun,
        head: impl Fn(u64) -> Bytes,
        to_flush: &mut FlushList,
        offer: Offer,
    ) -> Option<QueuedRun> {
        let size = run.size();
        let others = || self.takers(usize::MAX, |m| m.outlet.queue().has_room(size));
        let places = takers.copied().chain(std::iter::once_with(others).flatten());
        for member in places.filter_map(|place| self.member(place)) {
            run.lane.subscription = Some(member.subscription);
            run.overflow = member.overflow;
            run.head = head(member.subscription);
            if let Some(views) = &run.views {
                run.body = views.events_for(&member.outlet.role());
            }
            let queue = member.outlet.queue();
            let appended = match offer {
                Offer::New => queue.append_due(run),
                Offer::Left => queue.append_past(run),
            };
            match appended {
                Appended::Done => {
                    to_flush.add(&member.outlet);
                    return None;
                }
                Appended::Overflowed(back) => {
                    member.outlet.overflowed();
                    run = back;
                }
                Appended::Closed(back) => run = back,
            }
        }
        Some(run)
    }
}

/// What is offered to a member.
#[derive(Clone, Copy)]
enum Offer {
    /// What was just published: publishers looked for room.
    New,
    /// What another member left behind.
    Left,
}
