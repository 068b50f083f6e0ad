//! Lets subscriptions leave all topics that match them, a few topics at a time, although their sessions may
//! have ended.
//!
//! A filter may match 100,000 topics, and a connection may have thousands of subscriptions. When connections
//! end faster than their subscriptions leave, those that wait leave together: then each topic has one message
//! for all of them. With one for each, clients that come and go could keep the topics busy for long, and the
//! memory of their memberships would be free only afterwards.

use super::departing::Departing;
use super::registry::Registry;
use super::subscription_entry::SubscriptionEntry;
use super::topic::Topic;
use super::topic_actor::Leave;
use super::turn::{Turns, give_turn, turn_is_over};
use futures_util::future::join_all;
use hub_wire::{FilterIndex, TopicSearch};
use std::collections::HashSet;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::oneshot;

/// This many subscriptions leave the index under one hold of its lock.
const REMOVED_AT_ONCE: usize = 32;
/// A message to a topic has at most this many members of its queue groups that leave. Each of them
/// looks through the queue of its connection for events that it has to give back.
const MEMBERS_A_MESSAGE: usize = 16;

/// Resolves when every topic has let the subscriptions go. The subscriptions leave also if nobody
/// waits for that.
#[derive(Debug)]
pub struct Departure(oneshot::Receiver<()>);

impl Future for Departure {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(task).map(drop)
    }
}

impl Registry {
    /// Removes subscriptions of one connection, and has every topic that matches let them go: with one
    /// message for all plain subscriptions, however many there are. Returns `None` if there is nothing
    /// to wait for.
    ///
    /// A topic that is created from now on has none of the subscriptions, unless there are very many.
    /// Otherwise connections that come and go would fill new topics with members that have ended.
    pub fn leave(self: &Arc<Self>, entries: Vec<Arc<SubscriptionEntry>>) -> Option<Departure> {
        if entries.is_empty() {
            return None;
        }
        let Some(arbiter) = self.next_arbiter() else {
            self.remove_all(&entries);
            return None; // Topics without actors have nobody who would let members go.
        };
        self.remove_all(&entries[..entries.len().min(REMOVED_AT_ONCE)]);
        let (done, departure) = oneshot::channel();
        // The lock is free again before the task begins, because a task that cannot begin takes it.
        if self.departures.lock().begins(Departing { entries, done }) {
            let under_way = UnderWay { registry: self.clone(), has_ended: false };
            // The task goes on although the session that began it may end.
            arbiter.spawn(Turns::in_background(under_way.let_all_leave()));
        }
        Some(Departure(departure))
    }
}

/// Is held by a task that lets subscriptions leave.
struct UnderWay {
    registry: Arc<Registry>,
    has_ended: bool,
}

impl UnderWay {
    async fn let_all_leave(mut self) {
        while let Some(waiting) = self.next() {
            let (mut all, mut done) = (Vec::new(), Vec::new());
            for departing in waiting {
                // The first of them are gone since they began to leave.
                for some in departing.entries.chunks(REMOVED_AT_ONCE).skip(1) {
                    self.registry.remove_all(some);
                    if turn_is_over() {
                        give_turn().await;
                    }
                }
                all.extend(departing.entries);
                done.push(departing.done);
            }
            leave_in_turns(&self.registry, all).await;
            for done in done {
                done.send(()).ok(); // The session may have ended.
            }
        }
    }

    fn next(&mut self) -> Option<Vec<Departing>> {
        let next = self.registry.departures.lock().next();
        self.has_ended = next.is_none();
        next
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if !self.has_ended {
            self.registry.departures.lock().stopped();
        }
    }
}

/// Has every topic that matches let go of subscriptions that the registry does not have any more.
async fn leave_in_turns(registry: &Registry, mut entries: Vec<Arc<SubscriptionEntry>>) {
    entries.sort_unstable_by_key(|entry| (entry.connection.number(), entry.id));
    let (mut by_filter, mut filters) = (FilterIndex::default(), HashSet::new());
    for (n, entry) in entries.iter().enumerate() {
        by_filter.insert(&entry.filter, n);
        filters.insert(&entry.filter);
        if turn_is_over() {
            give_turn().await;
        }
    }
    let mut told = HashSet::new();
    let mut last = Vec::<Leave>::new();
    for filter in &filters {
        let mut search = TopicSearch::new(filter);
        while !search.is_over() {
            let mut answers = Vec::new();
            for topic in registry.look(&mut search) {
                // With one filter, no topic comes twice.
                let Some(actor) = topic.actor() else { continue };
                if filters.len() > 1 && !told.insert(topic.epoch()) {
                    continue;
                }
                last = leaves(&topic, &entries, &by_filter, last);
                answers.extend(last.iter().map(|leave| actor.send(leave.clone())));
                if turn_is_over() {
                    join_all(answers.drain(..)).await;
                    give_turn().await;
                }
            }
            join_all(answers).await;
        }
    }
}

/// Returns the messages to a topic. Messages with the entries of `last` are used again, because the
/// same thousands of subscriptions may leave thousands of topics.
fn leaves(
    topic: &Topic,
    entries: &[Arc<SubscriptionEntry>],
    by_filter: &FilterIndex<usize>,
    last: Vec<Leave>,
) -> Vec<Leave> {
    let mut found = Vec::new();
    by_filter.matching(topic.name(), |n| found.push(*n));
    found.sort_unstable();
    let (members, plain): (Vec<_>, Vec<_>) =
        found.iter().filter_map(|n| entries.get(*n)).partition(|entry| entry.group.is_some());
    let parts = || {
        let plain = Some(plain.as_slice()).filter(|plain| !plain.is_empty());
        plain.into_iter().chain(members.chunks(MEMBERS_A_MESSAGE))
    };
    let is_same = |part: &[&Arc<SubscriptionEntry>], leave: &Leave| {
        part.len() == leave.0.len() && part.iter().zip(&*leave.0).all(|(a, b)| Arc::ptr_eq(a, b))
    };
    if parts().count() == last.len() && parts().zip(&last).all(|(part, leave)| is_same(part, leave))
    {
        return last;
    }
    parts().map(|part| Leave(part.iter().copied().cloned().collect())).collect()
}
