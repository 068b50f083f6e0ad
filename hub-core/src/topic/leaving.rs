//! Lets subscriptions leave a topic. What waits for them as members of queue groups goes to the other
//! members, and without this module it would be lost.

use super::acknowledgement::Failure;
use super::flush_list::FlushList;
use super::queued_run::QueuedRun;
use super::subscription_entry::SubscriptionEntry;
use super::topic::Topic;
use super::turn::{give_turn, turn_is_over};
use hub_wire::SubscriptionIds;
use std::sync::Arc;

/// Returns the entries of each connection. They stand together.
fn of_each_connection(
    entries: &[Arc<SubscriptionEntry>],
) -> impl Iterator<Item = &[Arc<SubscriptionEntry>]> {
    entries.chunk_by(|a, b| a.connection.number() == b.connection.number())
}

impl Topic {
    /// Removes a subscription, as [`Topic::leave_all`] does.
    #[allow(dead_code, reason = "tests/topic_models.rs does the work of the actors")]
    pub(crate) fn leave(&self, entry: &Arc<SubscriptionEntry>) -> FlushList {
        self.leave_all(std::slice::from_ref(entry))
    }

    /// Removes subscriptions. Runs that wait for them as members of queue groups go to the other
    /// members. The caller flushes the connections that got such runs.
    ///
    /// The entries of one connection stand together, in the order of their ids.
    pub(super) fn leave_all(&self, entries: &[Arc<SubscriptionEntry>]) -> FlushList {
        let mut to_flush = FlushList::new();
        of_each_connection(entries).for_each(|entries| self.leave_plain(entries));
        for entry in entries {
            self.leave_if_member(entry, &mut to_flush);
        }
        to_flush
    }

    /// Does as [`Topic::leave_all`] does, and flushes. There may be very many connections, and each member
    /// of a queue group looks through the queue of its connection, so the thread is given to others in
    /// between.
    pub(super) async fn leave_in_turns(&self, entries: &[Arc<SubscriptionEntry>]) {
        for entries in of_each_connection(entries) {
            self.leave_plain(entries);
            if turn_is_over() {
                give_turn().await;
            }
        }
        for entry in entries {
            let mut to_flush = FlushList::new();
            self.leave_if_member(entry, &mut to_flush);
            to_flush.flush();
            if turn_is_over() {
                give_turn().await;
            }
        }
    }

    /// Removes a subscription if it is a member of a queue group.
    fn leave_if_member(&self, entry: &Arc<SubscriptionEntry>, to_flush: &mut FlushList) {
        if let Some(group) = &entry.group {
            self.leave_group(entry, group, to_flush);
        }
    }

    /// Removes the plain subscriptions among these entries of one connection.
    fn leave_plain(&self, entries: &[Arc<SubscriptionEntry>]) {
        let plain = || entries.iter().filter(|entry| entry.group.is_none());
        let ids: Vec<u64> = plain().map(|entry| entry.id).collect();
        let Some(first) = plain().next() else { return };
        let s = &mut *self.sequencer.lock();
        if !s.replays.is_empty() {
            for replay in plain().filter_map(|entry| s.replays.remove(entry)).collect::<Vec<_>>() {
                replay.give_up(s.next, self.ledger());
            }
            s.history.keep_for_replays(s.replays.needs());
        }
        s.members.leave_plain(&*first.connection, &ids);
        let left = s.members.bytes();
        s.adopted.iter_mut().for_each(|adopted| adopted.at_most(left));
    }

    fn leave_group(&self, entry: &Arc<SubscriptionEntry>, name: &str, to_flush: &mut FlushList) {
        let queue = entry.connection.queue();
        self.sequencer.lock().members.leave_group(entry, name);
        // The call waits for a write that is under way, so it must not hold the sequencer lock.
        let runs = queue.reclaim(&self.stream_for(SubscriptionIds::one(entry.id)), name);
        // An event that ends its handlers must not go round for ever.
        let attempts = entry.ack.as_ref().map_or(u32::MAX, |policy| policy.attempts);
        let (last, again): (Vec<_>, Vec<_>) =
            runs.into_iter().partition(|run| run.attempt > attempts);
        for run in last {
            let reason = "the subscriber went away before it had finished".to_owned();
            let run = QueuedRun { attempt: attempts, ..run };
            self.failed(entry, run, Failure { reason, rejected: true });
        }
        queue.abandon(&self.give_back_to(name, again, to_flush));
        if self.actor().is_none() {
            // Nobody would end the group later.
            self.end_group(name, None);
        }
    }

    /// Gives runs back to a queue group, and returns those that nobody can get any more.
    fn give_back_to(
        &self,
        group: &str,
        runs: Vec<QueuedRun>,
        to_flush: &mut FlushList,
    ) -> Vec<QueuedRun> {
        match self.sequencer.lock().members.group(group) {
            Some(group) => group.redistribute(runs, self.name(), self.held(), to_flush),
            None => runs,
        }
    }

    /// Gives runs back to a queue group as [`Topic::give_back_to`] does, and flushes.
    pub(super) fn give_back(&self, group: &str, runs: Vec<QueuedRun>) -> Vec<QueuedRun> {
        let mut to_flush = FlushList::new();
        let left = self.give_back_to(group, runs, &mut to_flush);
        to_flush.flush();
        left
    }
}
