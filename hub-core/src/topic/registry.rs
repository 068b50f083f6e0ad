//! Keeps all topics of a hub, and all subscriptions.
//!
//! Without one place for both, a topic that is created while a subscription is added could miss that
//! subscription.

use super::account::MemoryAccount;
use super::dead_letters::DeadLetters;
use super::departing::Departures;
use super::flush_list::FlushList;
use super::history_budget::HistoryBudget;
use super::ledger::{Ledger, LedgerCounts};
use super::pending_run::PublishResult;
use super::run_source::RunSource;
use super::subscription_entry::SubscriptionEntry;
use super::topic::{Topic, TopicAttachment};
use super::topic_actor::{TopicActor, TopicOwner};
use actix::ArbiterHandle;
use dashmap::DashMap;
use hub_wire::{FilterIndex, TopicIndex, TopicName, TopicSearch};
use parking_lot::{Mutex, RwLock};
use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use thiserror::Error;

/// States the settings for all topics of a hub.
#[derive(Debug, Clone)]
pub struct TopicSettings {
    /// The hub has at most this many topics at a time.
    pub max_topics: usize,
    /// A topic that has no subscribers and gets no events ends after one to two times this duration.
    pub idle: Duration,
    /// The history of one topic keeps at most this many bytes.
    pub history_per_topic: usize,
    /// A queue group that has lost its last member keeps its place in a topic, and the events that
    /// come, for this duration.
    pub group_linger: Duration,
    /// The histories of all topics together keep at most this many bytes.
    pub history_in_all: usize,
    /// The first topic has this epoch, and each further topic has the next one. The number should be
    /// random, so that the epochs of two hubs differ. Epochs stay below 2^32, because some libraries
    /// for MessagePack write greater integers as floats.
    pub first_epoch: u32,
}

/// States that a topic cannot be created, because the hub has as many topics as it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the hub has {limit} topics, which is as many as it may have")]
pub struct TooManyTopics {
    /// The hub may have this many topics.
    pub limit: usize,
}

/// One look at the names of topics takes this many of them, and holds the index lock for that long.
const NAMES_A_LOOK: usize = 64;

/// Dead letters have this publisher.
const DEAD_LETTER_PUBLISHER: &str = "$hub";

/// Finds topics by name, topics that match a filter, and subscriptions that match a topic.
///
/// A look-up by name reads a concurrent map and takes no other lock. Every change of the topics or
/// the subscriptions happens under the index lock. So when a topic is created while a subscription
/// is added, exactly one of the two operations finds the other.
#[derive(Debug)]
pub struct Registry {
    topics: DashMap<TopicName, Arc<Topic>>,
    index: RwLock<Index>,
    settings: TopicSettings,
    budget: Arc<HistoryBudget>,
    ledger: Arc<Ledger>,
    /// The next topic has the lower 32 bits of this number as its epoch.
    next_epoch: AtomicU64,
    arbiters: Vec<ArbiterHandle>,
    next_arbiter: AtomicUsize,
    pub(super) departures: Mutex<Departures>,
}

/// Holds the indexes of subscriptions and topics, which change under one lock.
#[derive(Debug, Default)]
struct Index {
    filters: FilterIndex<Arc<SubscriptionEntry>>,
    topics: TopicIndex,
    /// So many topics have ended since the hub has started.
    ended: usize,
}

/// When so many topics have ended, the hub looks whether their map should give memory back. To look, it goes
/// through the parts of the map.
const ENDED_A_LOOK: usize = 1024;

impl Registry {
    /// Returns an empty registry. It starts topic actors on `arbiters` in turn.
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
            next_epoch: AtomicU64::new(settings.first_epoch.into()),
            settings,
            arbiters,
            next_arbiter: AtomicUsize::new(0),
            departures: Mutex::default(),
        })
    }

    /// Returns the ledger of the hub, which counts the deliveries of all topics.
    #[must_use]
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// Returns the budget for the history of all topics.
    #[must_use]
    pub fn history(&self) -> &HistoryBudget {
        &self.budget
    }

    /// Returns how many topics exist.
    #[must_use]
    pub fn topics(&self) -> usize {
        self.topics.len()
    }

    /// Returns how many subscriptions exist.
    #[must_use]
    pub fn subscriptions(&self) -> usize {
        self.index.read().filters.len()
    }

    /// Returns all topics that exist now, in the order of their names.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Topic>> {
        self.each().collect()
    }

    /// Goes through all topics in the order of their names. No lock is held between two topics, so a
    /// topic that comes or goes meanwhile may be missing.
    pub fn each(&self) -> Topics<'_> {
        Topics { registry: self, search: TopicSearch::everything(), found: Vec::new().into_iter() }
    }

    /// Returns the `most` topics with the most deliveries, with the counts of their ledgers. Only topics
    /// for whose name `wanted` returns true are considered.
    #[must_use]
    pub fn busiest(
        &self,
        most: usize,
        wanted: impl Fn(&str) -> bool,
    ) -> Vec<(Arc<Topic>, LedgerCounts)> {
        let mut found: Vec<(Arc<Topic>, LedgerCounts)> = Vec::new();
        let keep_most = |found: &mut Vec<(Arc<Topic>, LedgerCounts)>| {
            if most > 0 && most < found.len() {
                found.select_nth_unstable_by_key(most - 1, |(_, counts)| Reverse(counts.due));
            }
            found.truncate(most);
        };
        for topic in self.each().filter(|topic| wanted(topic.name().as_str())) {
            let counts = topic.counts();
            found.push((topic, counts));
            if found.len() >= most.saturating_mul(2) {
                keep_most(&mut found);
            }
        }
        keep_most(&mut found);
        found
    }

    /// Returns the topic of this name, if it exists and has not ended.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<Topic>> {
        self.topics.get(name).map(|topic| topic.clone()).filter(|topic| !topic.is_retired())
    }

    /// Returns the topic of this name, and creates it if it does not exist.
    ///
    /// # Errors
    /// The topic is not created if the hub has as many topics as it may have.
    pub fn get_or_create(self: &Arc<Self>, name: &TopicName) -> Result<Arc<Topic>, TooManyTopics> {
        self.get_or_create_with(name, None)
    }

    /// Returns the topic of this name, and creates it if it does not exist. A topic that is created
    /// here keeps `attachment` until it ends.
    ///
    /// # Errors
    /// The topic is not created if the hub has as many topics as it may have.
    pub fn get_or_create_with(
        self: &Arc<Self>,
        name: &TopicName,
        attachment: Option<TopicAttachment>,
    ) -> Result<Arc<Topic>, TooManyTopics> {
        self.get_or_create_for(name, attachment, None)
    }

    /// Returns the topic of this name, as [`Registry::get_or_create_with`] does. A topic that is created
    /// here is charged to `maker`.
    ///
    /// # Errors
    /// The topic is not created if the hub has as many topics as it may have.
    pub fn get_or_create_for(
        self: &Arc<Self>,
        name: &TopicName,
        attachment: Option<TopicAttachment>,
        maker: Option<&Arc<MemoryAccount>>,
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
        let epoch = self.new_epoch();
        let topic = Topic::new(
            name.clone(),
            epoch,
            self.budget.clone(),
            self.ledger.held().clone(),
            attachment,
            maker,
        );
        index.filters.matching(name, |entry| {
            if entry.may_read(name) {
                topic.adopt(entry);
            }
        });
        maker.iter().for_each(|maker| topic.count_adopted(maker));
        self.start_actor(&topic);
        index.topics.insert(name);
        self.topics.insert(name.clone(), topic.clone());
        Ok(topic)
    }

    /// Returns the epoch for a topic that is created. No topic that exists has this epoch. The caller
    /// holds the index lock.
    fn new_epoch(&self) -> u64 {
        const ALL: u64 = 1 << 32;
        loop {
            let next = self.next_epoch.fetch_add(1, Ordering::Relaxed);
            let epoch = next % ALL;
            // Only after 2^32 topics can a number come again. A topic may still have it then.
            let again = next - u64::from(self.settings.first_epoch) >= ALL;
            if !again || !self.topics.iter().any(|topic| topic.epoch() == epoch) {
                return epoch;
            }
        }
    }

    /// Starts the actor of a topic on the next arbiter. Without arbiters, a topic has no actor.
    fn start_actor(self: &Arc<Self>, topic: &Arc<Topic>) {
        let Some(arbiter) = self.next_arbiter() else { return };
        let TopicSettings { idle, group_linger, .. } = self.settings;
        let owner = Box::new(self.clone());
        let actor = TopicActor::new(topic.clone(), owner, idle, group_linger);
        topic.set_actor(actor.start_in_turns(arbiter));
    }

    /// Returns the next arbiter in turn, if the registry has one.
    pub(super) fn next_arbiter(&self) -> Option<&ArbiterHandle> {
        let turn = self.next_arbiter.fetch_add(1, Ordering::Relaxed);
        self.arbiters.get(turn % self.arbiters.len().max(1))
    }

    /// Adds a subscription, and returns the existing topics that the subscription still has to join.
    ///
    /// A topic that is created from now on has the subscription among its members, so a topic that is
    /// created while the caller goes through the topics is not missed. If the caller finds such a
    /// topic too, the join does nothing.
    pub fn subscribe(&self, entry: &SharedEntry) -> Topics<'_> {
        self.add(entry);
        self.matching(entry)
    }

    /// Adds a subscription to the index.
    pub(super) fn add(&self, entry: &SharedEntry) {
        self.index.write().filters.insert(&entry.filter, entry.clone());
    }

    /// Removes a subscription, and returns the topics that the subscription still has to leave.
    pub fn unsubscribe(&self, entry: &SharedEntry) -> Topics<'_> {
        self.remove_all(std::slice::from_ref(entry));
        self.matching(entry)
    }

    /// Removes subscriptions from the index. The caller bounds their number.
    pub(super) fn remove_all(&self, entries: &[SharedEntry]) {
        let mut index = self.index.write();
        for entry in entries {
            index.filters.remove(&entry.filter, |known| Arc::ptr_eq(known, entry));
        }
    }

    /// Returns the existing topics that match the filter of a subscription.
    fn matching(&self, entry: &SharedEntry) -> Topics<'_> {
        let search = TopicSearch::new(&entry.filter);
        Topics { registry: self, search, found: Vec::new().into_iter() }
    }

    /// Goes on with a search, and returns the topics that a look at the next names has found. The
    /// index lock is held for this look only.
    pub(super) fn look(&self, search: &mut TopicSearch) -> Vec<Arc<Topic>> {
        let mut names: Vec<TopicName> = Vec::new();
        self.index.read().topics.search(search, NAMES_A_LOOK, |name| names.push(name.clone()));
        names.iter().filter_map(|name| self.get(name.as_str())).collect()
    }
}

type SharedEntry = Arc<SubscriptionEntry>;

/// Goes through topics that a search finds. No lock is held between two topics.
#[derive(Debug)]
#[must_use = "the caller tells each of the topics"]
pub struct Topics<'a> {
    registry: &'a Registry,
    search: TopicSearch,
    found: std::vec::IntoIter<Arc<Topic>>,
}

impl Iterator for Topics<'_> {
    type Item = Arc<Topic>;

    fn next(&mut self) -> Option<Arc<Topic>> {
        while self.found.len() == 0 && !self.search.is_over() {
            self.found = self.registry.look(&mut self.search).into_iter();
        }
        self.found.next()
    }
}

impl TopicOwner for Arc<Registry> {
    fn retire(&self, topic: &Topic, next: u64) -> bool {
        let mut index = self.index.write();
        let retired = topic.retire(next);
        if retired {
            index.topics.remove(topic.name());
            self.topics.remove(topic.name());
            index.ended += 1;
            let looks = index.ended.is_multiple_of(ENDED_A_LOOK);
            if looks && self.topics.capacity() > 4 * self.topics.len() {
                self.topics.shrink_to_fit();
            }
        }
        retired
    }

    fn publish_dead(&self, letters: &DeadLetters) -> bool {
        let Ok(topic) = self.get_or_create(&letters.to) else { return false };
        let (to, epoch) = (letters.to.as_str(), topic.epoch());
        let mut run = letters.pending(RunSource::new(to, epoch, DEAD_LETTER_PUBLISHER, None));
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut to_flush = FlushList::new();
        let published = topic.publish(&mut run, since_epoch.as_millis() as u64, &mut to_flush);
        to_flush.flush();
        matches!(published, PublishResult::Done)
    }
}
