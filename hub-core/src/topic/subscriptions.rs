//! Lets subscriptions join all topics that match them, a few topics at a time. How they leave again is in
//! [`departures`](super::departures).
//!
//! A filter may match 100,000 topics. If the session told all of them at once, its thread and the index
//! lock would be busy for as long as that takes, and all other clients would wait.

use super::registry::Registry;
use super::subscription_entry::SubscriptionEntry;
use super::topic_actor::Join;
use super::turn::{give_turn, turn_is_over};
use futures_util::future::join_all;
use hub_wire::TopicSearch;
use std::sync::Arc;

impl Registry {
    /// Adds a subscription, and has every topic that matches take it in. The returned future resolves
    /// when all topics have answered. Returns `None` if there is nothing to wait for.
    ///
    /// A membership takes memory in each topic, so `may_go_on` is asked each time before some more topics
    /// are told, and may take its time. When it answers `false`, the future resolves to `false`. Some topics
    /// have taken the subscription in then, and the caller has it leave.
    pub fn join<G: AsyncFnMut() -> bool>(
        self: &Arc<Self>,
        entry: &Arc<SubscriptionEntry>,
        may_go_on: G,
    ) -> Option<impl Future<Output = bool> + use<G>> {
        // A topic that is created from now on has the subscription among its members.
        self.add(entry);
        self.join_more(entry, may_go_on)
    }

    /// Has every topic take in a subscription of the registry that the subscription may read now, because
    /// it may read more than before. A topic that has taken it in already ignores this. The rest is as
    /// with [`Registry::join`].
    pub fn join_more<G: AsyncFnMut() -> bool>(
        self: &Arc<Self>,
        entry: &Arc<SubscriptionEntry>,
        mut may_go_on: G,
    ) -> Option<impl Future<Output = bool> + use<G>> {
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
                    return true;
                }
                if turn_is_over() {
                    give_turn().await;
                }
                if !may_go_on().await {
                    return false;
                }
                topics = registry.look(&mut search);
            }
        })
    }
}
