//! All topics of a hub, and who is subscribed to what.

use super::history::HistoryBudget;
use super::ledger::{Ledger, LedgerCounts};
use super::{Outlet, Topic, TopicActor};
use actix::{Actor, ArbiterHandle};
use dashmap::DashMap;
use hub_wire::{FilterIndex, Overflow, Start, TopicFilter, TopicIndex, TopicName};
use parking_lot::RwLock;
use std::any::Any;
use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use thiserror::Error;

/// What holds for all topics of a hub.
#[derive(Debug, Clone)]
pub struct TopicSettings {
    /// Most topics at a time.
    pub max_topics: usize,
    /// A topic without subscribers and events is forgotten after one to two times this.
    pub idle: Duration,
    /// Bytes of history a topic keeps at most.
    pub history_per_topic: usize,
    /// Bytes of history all topics keep at most.
    pub history_in_all: usize,
    /// Where a topic's epoch counts on from: random, so that epochs of two hubs differ.
    pub first_epoch: u64,
}

/// One subscription of one connection.
#[derive(Debug)]
pub struct SubscriptionEntry {
    /// The id its client gave it.
    pub id: u64,
    /// Which topics it wants.
    pub filter: TopicFilter,
    /// The queue group it is a member of.
    pub group: Option<Arc<str>>,
    /// What happens to its events when the queue is full.
    pub overflow: Overflow,
    /// Where it starts in topics that exist already.
    pub start: Start,
    /// Whether it wants to be told where topics stand that exist already.
    pub positions: bool,
    /// Its connection.
    pub outlet: Arc<dyn Outlet>,
    /// Says which of the topics that match it may read; all of them, if there is none.
    pub guard: Option<Arc<dyn TopicGuard>>,
}

/// Says what a subscription may read, where its filter alone does not.
pub trait TopicGuard: Send + Sync + std::fmt::Debug {
    /// Whether this topic may be read.
    fn may_read(&self, topic: &TopicName) -> bool;
}

impl SubscriptionEntry {
    fn may_read(&self, topic: &TopicName) -> bool {
        self.guard.as_ref().is_none_or(|guard| guard.may_read(topic))
    }
}

/// The hub holds as many topics as it may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the hub has {limit} topics, which is as many as it may have")]
pub struct TooManyTopics {
    /// The configured limit.
    pub limit: usize,
}

/// What somebody leaves with a topic that is made for him: it is dropped when the topic ends.
pub type Deposit = Box<dyn Any + Send + Sync>;

/// Finds topics by name, topics for a filter, and subscriptions for a topic.
///
/// A look-up by name is a look into a concurrent map. Everything that has to agree about which
/// topics and subscriptions exist happens under the index lock: a topic that is made while a
/// subscription is added is seen by exactly one of the two.
#[derive(Debug)]
pub struct Registry {
    topics: DashMap<TopicName, Arc<Topic>>,
    index: RwLock<Index>,
    settings: TopicSettings,
    budget: Arc<HistoryBudget>,
    ledger: Arc<Ledger>,
    next_epoch: AtomicU64,
    arbiters: Vec<ArbiterHandle>,
    next_arbiter: AtomicUsize,
}

#[derive(Debug, Default)]
struct Index {
    filters: FilterIndex<Arc<SubscriptionEntry>>,
    topics: TopicIndex,
}

impl Registry {
    /// An empty registry whose topic actors will run on `arbiters` in turn.
    #[must_use]
    pub fn new(settings: TopicSettings, arbiters: Vec<ArbiterHandle>) -> Arc<Self> {
        Arc::new(Registry {
            topics: DashMap::new(),
            index: RwLock::default(),
            budget: Arc::new(HistoryBudget::new(
                settings.history_per_topic,
                settings.history_in_all,
            )),
            ledger: Arc::default(),
            next_epoch: AtomicU64::new(settings.first_epoch),
            settings,
            arbiters,
            next_arbiter: AtomicUsize::new(0),
        })
    }

    /// The ledger of all deliveries.
    #[must_use]
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// What topics remember.
    #[must_use]
    pub fn history(&self) -> &HistoryBudget {
        &self.budget
    }

    /// Has every topic forget all of its past but the last event.
    pub fn forget_past(&self) {
        self.topics.iter().for_each(|topic| topic.forget_past());
    }

    /// How many topics there are.
    #[must_use]
    pub fn topics(&self) -> usize {
        self.topics.len()
    }

    /// How many subscriptions there are.
    #[must_use]
    pub fn subscriptions(&self) -> usize {
        self.index.read().filters.len()
    }

    /// All topics that there are now, in no order.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Topic>> {
        self.topics.iter().map(|topic| topic.value().clone()).collect()
    }

    /// The topics with the most deliveries among those that are `wanted`, and their ledgers.
    #[must_use]
    pub fn busiest(
        &self,
        most: usize,
        wanted: impl Fn(&str) -> bool,
    ) -> Vec<(Arc<Topic>, LedgerCounts)> {
        if most == 0 {
            return Vec::new();
        }
        let mut found: Vec<_> = self
            .topics
            .iter()
            .filter(|topic| wanted(topic.name().as_str()))
            .map(|topic| (topic.value().clone(), topic.counts()))
            .collect();
        if most < found.len() {
            found.select_nth_unstable_by_key(most - 1, |(_, counts)| Reverse(counts.due));
            found.truncate(most);
        }
        found
    }

    /// The topic of this name, if it exists and has not ended.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<Topic>> {
        self.topics.get(name).map(|topic| topic.clone()).filter(|topic| !topic.is_retired())
    }

    /// The topic of this name, made if it does not exist.
    ///
    /// # Errors
    /// When there are as many topics as there may be.
    pub fn get_or_create(self: &Arc<Self>, name: &TopicName) -> Result<Arc<Topic>, TooManyTopics> {
        self.get_or_create_with(name, None)
    }

    /// The same; a topic that is made keeps `deposit` until it ends.
    ///
    /// # Errors
    /// When there are as many topics as there may be.
    pub fn get_or_create_with(
        self: &Arc<Self>,
        name: &TopicName,
        deposit: Option<Deposit>,
    ) -> Result<Arc<Topic>, TooManyTopics> {
        if let Some(topic) = self.get(name.as_str()) {
            return Ok(topic);
        }
        let mut index = self.index.write();
        if let Some(topic) = self.get(name.as_str()) {
            return Ok(topic);
        }
        let limit = self.settings.max_topics;
        if self.topics.len() >= limit {
            return Err(TooManyTopics { limit });
        }
        let epoch = self.next_epoch.fetch_add(1, Ordering::Relaxed);
        let topic = Arc::new(Topic::new(
            name.clone(),
            epoch,
            self.budget.clone(),
            self.ledger.held().clone(),
            deposit,
        ));
        index.filters.matching(name, |entry| {
            if entry.may_read(name) {
                topic.adopt(entry);
            }
        });
        self.start_actor(&topic);
        index.topics.insert(name);
        self.topics.insert(name.clone(), topic.clone());
        Ok(topic)
    }

    fn start_actor(self: &Arc<Self>, topic: &Arc<Topic>) {
        let turn = self.next_arbiter.fetch_add(1, Ordering::Relaxed);
        let Some(arbiter) = self.arbiters.get(turn % self.arbiters.len().max(1)) else { return };
        let actor = TopicActor::new(topic.clone(), self.clone(), self.settings.idle);
        topic.set_actor(TopicActor::start_in_arbiter(arbiter, |_| actor));
    }

    /// Files a subscription, and returns the topics that exist and that it has yet to join.
    #[must_use]
    pub fn subscribe(&self, entry: &Arc<SubscriptionEntry>) -> Vec<Arc<Topic>> {
        let mut index = self.index.write();
        index.filters.insert(&entry.filter, entry.clone());
        let mut topics = self.matching(&index, &entry.filter);
        topics.retain(|topic| entry.may_read(topic.name()));
        topics
    }

    /// Takes a subscription out, and returns the topics that it has yet to leave.
    #[must_use]
    pub fn unsubscribe(&self, entry: &Arc<SubscriptionEntry>) -> Vec<Arc<Topic>> {
        let mut index = self.index.write();
        index.filters.remove(&entry.filter, |known| Arc::ptr_eq(known, entry));
        self.matching(&index, &entry.filter)
    }

    fn matching(&self, index: &Index, filter: &TopicFilter) -> Vec<Arc<Topic>> {
        let mut topics = Vec::new();
        index.topics.matching(filter, |name| topics.extend(self.get(name.as_str())));
        topics
    }

    /// Ends a topic that has no members and still stands at `next`.
    pub(super) fn retire(&self, topic: &Topic, next: u64) -> bool {
        let mut index = self.index.write();
        let retired = topic.retire(next);
        if retired {
            index.topics.remove(topic.name());
            self.topics.remove(topic.name());
        }
        retired
    }
}
