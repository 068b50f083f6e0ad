//! Lets subscriptions join and leave all topics that match them, a few topics at a time.
//!
//! A filter may match 100,000 topics, and a connection may have thousands of subscriptions. If the
//! session told all topics at once, its thread and the index lock would be busy for as long as that
//! takes, and all other clients would wait.

use super::registry::Registry;
use super::subscription_entry::SubscriptionEntry;
use super::topic::Topic;
use super::topic_actor::{Join, Leave};
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
    /// Adds a subscription, and has every topic that matches take it in. The returned future resolves
    /// when all topics have answered. Returns `None` if there is nothing to wait for.
    pub fn join(
        self: &Arc<Self>,
        entry: &Arc<SubscriptionEntry>,
    ) -> Option<impl Future<Output = ()> + use<>> {
        // A topic that is created from now on has the subscription among its members.
        self.add(entry);
        self.join_more(entry)
    }

    /// Has every topic take in a subscription of the registry that the subscription may read now, because
    /// it may read more than before. A topic that has taken it in already ignores this.
    pub fn join_more(
        self: &Arc<Self>,
        entry: &Arc<SubscriptionEntry>,
    ) -> Option<impl Future<Output = ()> + use<>> {
        let mut search = TopicSearch::new(&entry.filter);
        let mut topics = self.look(&mut search);
        if topics.is_empty() && search.is_over() {
            return None;
        }
        let (registry, entry) = (self.clone(), entry.clone());
        Some(async move {
            loop {
                topics.retain(|topic| entry.may_read(topic.name()));
                let actors = topics.iter().filter_map(|topic| topic.actor());
                join_all(actors.map(|actor| actor.send(Join(entry.clone())))).await;
                if search.is_over() {
                    return;
                }
                if turn_is_over() {
                    give_turn().await;
                }
                topics = registry.look(&mut search);
            }
        })
    }

    /// Removes subscriptions of one connection, and has every topic that matches let them go: with one
    /// message for all plain subscriptions, however many there are. Returns `None` if there is nothing
    /// to wait for.
    pub fn leave(self: &Arc<Self>, entries: Vec<Arc<SubscriptionEntry>>) -> Option<Departure> {
        if entries.is_empty() {
            return None;
        }
        let Some(arbiter) = self.next_arbiter() else {
            self.remove_all(&entries);
            return None; // Topics without actors have nobody who would let members go.
        };
        let (done, departure) = oneshot::channel();
        let registry = self.clone();
        // The task goes on although the session that began it may end.
        arbiter.spawn(Turns::in_background(async move {
            leave_in_turns(&registry, entries).await;
            done.send(()).ok();
        }));
        Some(Departure(departure))
    }
}

async fn leave_in_turns(registry: &Registry, mut entries: Vec<Arc<SubscriptionEntry>>) {
    entries.sort_unstable_by_key(|entry| (entry.connection.number(), entry.id));
    let (mut by_filter, mut filters) = (FilterIndex::default(), HashSet::new());
    for (n, entry) in entries.iter().enumerate() {
        by_filter.insert(&entry.filter, n);
        filters.insert(&entry.filter);
    }
    for some in entries.chunks(REMOVED_AT_ONCE) {
        registry.remove_all(some);
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
