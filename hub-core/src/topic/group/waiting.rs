//! Keeps the events of a queue group for which no member has room, and gives them to whoever has room
//! first.
//!
//! If events waited for a certain member instead, a slow worker would keep them from idle workers.

use super::{Group, GroupMember, RunOrigin};
use crate::overflow::policy;
use crate::topic::backlog::QueueBound;
use crate::topic::flow::high_water;
use crate::topic::flush_list::FlushList;
use crate::topic::held_bytes::HeldBytes;
use crate::topic::pending_gap::PendingGap;
use crate::topic::queue_item::QueueItem;
use crate::topic::queued_run::{ITEM_OVERHEAD, QueuedRun, count_disconnected};
use hub_wire::{SubscriptionIds, TopicName};
use std::sync::Arc;
use std::task::Wake;

impl Group {
    /// Gives the next events of the keys of a run, because the events of the run are finished or
    /// given up.
    pub(in crate::topic) fn finished(
        &mut self,
        run: QueuedRun,
        topic: &TopicName,
        held: &Arc<HeldBytes>,
        to_flush: &mut FlushList,
    ) {
        for next in self.keys.finished(run) {
            self.let_wait(next, to_flush);
        }
        self.refill(topic, held, to_flush);
    }

    /// Keeps a run for which no member has room. It waits in the group, or if no member has a
    /// window, in the queue of a member, whose policy decides.
    pub(super) fn let_wait(&mut self, run: QueuedRun, to_flush: &mut FlushList) {
        if self.may_wait() {
            let run = QueuedRun { overflow: self.overflow(), ..run };
            let bound = QueueBound { limit: self.limit(), writing: 0 };
            // The policy of the group never ends a connection, so the run is always accepted.
            let _ = self.waiting.push(run, bound, &self.ledger);
            return;
        }
        let may_drop = |member: &GroupMember| policy(member.overflow).drops();
        let mut places = self.places(may_drop);
        places.extend(self.places(|member| !may_drop(member)));
        let left = self.give_to_first(places, run, RunOrigin::Published, to_flush);
        count_disconnected(&left, &self.ledger);
    }

    /// Gives waiting events to members that have room now.
    pub(in crate::topic) fn refill(
        &mut self,
        topic: &TopicName,
        held: &Arc<HeldBytes>,
        to_flush: &mut FlushList,
    ) {
        self.refill_some(topic, held, to_flush, usize::MAX);
    }

    /// Does as [`Group::refill`] does, for at most `most` entries. Returns whether there may be more.
    pub(in crate::topic) fn refill_some(
        &mut self,
        topic: &TopicName,
        held: &Arc<HeldBytes>,
        to_flush: &mut FlushList,
        most: usize,
    ) -> bool {
        let mut left = most;
        while let Some(item) = self.waiting.pop() {
            if left == 0 {
                self.waiting.unpop_items([item].into());
                self.report_size();
                return true;
            }
            left -= 1;
            match item {
                QueueItem::Run(run) => {
                    let left = self.divide(run, held, to_flush);
                    if !left.is_empty() {
                        self.waiting.unpop(left);
                        break;
                    }
                }
                QueueItem::Gap(gap) if self.open().next().is_none() => {
                    self.waiting.unpop_gap(gap);
                    break;
                }
                QueueItem::Gap(gap) => self.tell(&gap, to_flush),
                QueueItem::Control(_) | QueueItem::Position(..) => {}
            }
        }
        self.ask_members(topic);
        if self.waiting_bytes() <= high_water(self.limit()) / 2 {
            self.waker.clone().wake();
        }
        false
    }

    /// Tells one member of a gap, as it would have got one of the events.
    fn tell(&self, gap: &PendingGap, to_flush: &mut FlushList) {
        let Some(member) = self.open().next() else { return };
        let stream = gap.stream.with_subscriptions(SubscriptionIds::one(member.subscription));
        member.connection.queue().append_gap(stream, gap.from, gap.to, gap.reason);
        to_flush.add(&member.connection);
    }

    /// Has the sessions of the members ask for waiting events as soon as they have room.
    pub(super) fn ask_members(&mut self, topic: &TopicName) {
        self.report_size();
        if self.waiting.is_empty() {
            return;
        }
        for member in self.members.values_mut().filter(|member| !member.hungry) {
            if let Some(flow) = &member.flow {
                flow.ask(topic);
                member.hungry = true;
            }
        }
    }

    /// Gives runs that a member left behind to other members. Returns the runs that no member
    /// accepted.
    pub(in crate::topic) fn redistribute(
        &mut self,
        mut runs: Vec<QueuedRun>,
        topic: &TopicName,
        held: &Arc<HeldBytes>,
        to_flush: &mut FlushList,
    ) -> Vec<QueuedRun> {
        if !self.members.is_empty() && !self.is_ordered() {
            // A member that does not ask for the order would never say that a key is free.
            runs.extend(self.keys.take_all());
        }
        if self.may_wait() {
            self.waiting.unpop(runs);
            self.refill(topic, held, to_flush);
            return Vec::new();
        }
        // No member with a window is left that would ask for what waits.
        while let Some(item) = self.waiting.pop() {
            match item {
                QueueItem::Run(run) => runs.push(run),
                QueueItem::Gap(gap) => self.tell(&gap, to_flush),
                QueueItem::Control(_) | QueueItem::Position(..) => {}
            }
        }
        self.report_size();
        let mut left = Vec::new();
        let mut full = false;
        for run in runs {
            let size = run.size();
            let mut places = match full {
                true => Vec::new(),
                false => self.places(|member| member.connection.queue().has_room(size)),
            };
            // Once no member has room, the following runs are not compared with each queue again.
            full = places.is_empty();
            places.extend(self.places(|_| true));
            left.extend(self.give_to_first(places, run, RunOrigin::LeftBehind, to_flush));
        }
        left
    }

    /// Counts the events that wait in the group as lost, because the group ends.
    pub(in crate::topic) fn abandon_waiting(&mut self) {
        count_disconnected(&self.waiting.take_runs(|_| true), &self.ledger);
        count_disconnected(&self.keys.take_all(), &self.ledger);
        self.report_size();
    }

    pub(super) fn report_size(&self) {
        self.size.set(self.waiting.len() * ITEM_OVERHEAD);
    }

    /// Calls `visit` for each run that waits in the group.
    pub(in crate::topic) fn waiting(&self) -> impl Iterator<Item = &QueuedRun> {
        self.waiting.iter().filter_map(QueueItem::run).chain(self.keys.iter())
    }

    /// Returns for how many bytes the events count that wait in the group.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.waiting.bytes() + self.keys.bytes()
    }
}
