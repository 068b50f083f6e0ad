//! Gives events again on which a handler has failed, and gives them up after their last attempt.
//!
//! Without this module, an event would be lost with the first handler that fails on it.
//!
//! Between two attempts, an event belongs to no queue. It waits with the actor of its topic, which
//! has the timers, and it counts as pending all the while.

use super::acknowledgement::Failure;
use super::dead_letters::DeadLetters;
use super::flush_list::FlushList;
use super::ledger::count;
use super::queue::Appended;
use super::queued_run::QueuedRun;
use super::subscription_entry::SubscriptionEntry;
use super::topic::Topic;
use super::topic_actor::TopicActor;
use actix::{AsyncContext, Context, Handler, Message};
use hub_wire::{GapReason, SubscriptionIds, backoff_after};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A dead letter whose topic has no room is published again after this time.
const BURY_AGAIN: Duration = Duration::from_millis(50);

/// Tells the actor of a topic that a handler has failed on a run.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Failed {
    entry: Arc<SubscriptionEntry>,
    run: QueuedRun,
    failure: Failure,
}

impl Topic {
    /// Sets events aside on which the handler of a subscription has failed. They are given again
    /// after the backoff, or given up.
    pub fn failed(&self, entry: &Arc<SubscriptionEntry>, run: QueuedRun, failure: Failure) {
        if !self.set_aside_unless_retired(run.count.into()) {
            return entry.connection.queue().abandon(&[run]);
        }
        let stream = self.stream_for(SubscriptionIds::one(entry.id));
        // A slice would keep the whole run in memory until the event is finished.
        let run = QueuedRun { stream, ..run.in_own_memory(self.held()) };
        match self.actor() {
            Some(actor) => actor.do_send(Failed { entry: entry.clone(), run, failure }),
            None => self.give_again(entry, run),
        }
    }

    /// Gives events that were set aside to their subscription, or to its queue group.
    fn give_again(&self, entry: &Arc<SubscriptionEntry>, run: QueuedRun) {
        let count = u64::from(run.count);
        if let Some(name) = &entry.group {
            let left = self.give_back(name, vec![run]);
            entry.connection.queue().abandon(&left);
        } else if let Appended::Closed(run) | Appended::Overflowed(run) =
            entry.connection.queue().append_again(run)
        {
            entry.connection.queue().abandon(&[run]);
        }
        self.set_aside().fetch_sub(count, Ordering::Relaxed);
        entry.connection.flush();
    }

    /// Counts events that were set aside as given up. The next events of their keys follow.
    fn given_up(&self, entry: &SubscriptionEntry, run: QueuedRun) {
        let events = run.count;
        if entry.ack.as_ref().is_some_and(|policy| policy.ordered) {
            let mut to_flush = FlushList::new();
            self.finished(entry, run, &mut to_flush);
            to_flush.flush();
        }
        count(&entry.connection.queue().ledger().given_up, events.into());
        count(&self.ledger().given_up, events.into());
        self.set_aside().fetch_sub(events.into(), Ordering::Relaxed);
    }
}

impl TopicActor {
    /// Gives up events: they become dead letters, or a GAP tells the subscription.
    fn give_up(
        &mut self,
        entry: &Arc<SubscriptionEntry>,
        run: QueuedRun,
        reason: &str,
        ctx: &mut Context<Self>,
    ) {
        let to = entry.ack.as_ref().and_then(|policy| policy.dead_letter.clone());
        if let Some(to) = to {
            return self.bury(entry.clone(), DeadLetters::of(run, to, reason), ctx);
        }
        let (stream, last) = (run.stream.clone(), Some(run.last()));
        entry.connection.queue().append_gap(stream, run.first, last, GapReason::GivenUp);
        self.topic().given_up(entry, run);
        entry.connection.flush();
    }

    /// Publishes dead letters, as soon as their topic has room.
    fn bury(
        &mut self,
        entry: Arc<SubscriptionEntry>,
        letters: DeadLetters,
        ctx: &mut Context<Self>,
    ) {
        if self.owner().publish_dead(&letters) {
            return self.topic().given_up(&entry, letters.run);
        }
        ctx.run_later(BURY_AGAIN, move |actor, ctx| actor.bury(entry, letters, ctx));
    }
}

impl Handler<Failed> for TopicActor {
    type Result = ();

    fn handle(&mut self, failed: Failed, ctx: &mut Context<Self>) {
        let Failed { entry, mut run, failure } = failed;
        let Some(policy) = &entry.ack else { return self.topic().give_again(&entry, run) };
        if failure.rejected || run.attempt >= policy.attempts {
            return self.give_up(&entry, run, &failure.reason, ctx);
        }
        let backoff = backoff_after(policy.backoff, run.attempt);
        run.attempt += 1;
        ctx.run_later(backoff, move |actor, _| actor.topic().give_again(&entry, run));
    }
}
