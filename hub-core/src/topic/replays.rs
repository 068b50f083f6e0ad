//! Holds the replays of one topic.
//!
//! Without this list, a topic would not know which subscriptions still have to become members, and
//! what its history has to keep for them. Publishers ask the list with each run, so the answers are in
//! orders of their own: otherwise a client with many replays would slow the publishers of a topic down.

use super::history::ReplayNeeds;
use super::replay::Replay;
use super::subscription_entry::SubscriptionEntry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Holds the replays of one topic that have not caught up, by connection and subscription.
#[derive(Debug, Default)]
pub(super) struct Replays {
    all: BTreeMap<Key, Replay>,
    /// The replays by the first event that each of them still needs.
    by_next: BTreeSet<(u64, Key)>,
    /// Those of them that must lose nothing.
    firm: BTreeSet<(u64, Key)>,
    /// Those for which publishers wait.
    holding: BTreeSet<Key>,
    /// This many of the subscriptions answer requests.
    answering: usize,
}

type Key = (u64, u64);

/// Returns the key of a subscription among the replays of a topic.
fn key(entry: &SubscriptionEntry) -> Key {
    (entry.connection.number(), entry.id)
}

impl Replays {
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Returns whether one of the subscriptions answers requests.
    pub(super) fn has_subscriber(&self) -> bool {
        self.answering > 0
    }

    /// Returns the replay of a subscription.
    pub(super) fn get(&self, entry: &SubscriptionEntry) -> Option<&Replay> {
        self.all.get(&key(entry))
    }

    pub(super) fn insert(&mut self, replay: Replay) {
        let key = key(replay.entry());
        self.note(key, &replay);
        self.answering += usize::from(!replay.entry().observe);
        self.all.insert(key, replay);
    }

    pub(super) fn remove(&mut self, entry: &SubscriptionEntry) -> Option<Replay> {
        let key = key(entry);
        let replay = self.all.remove(&key)?;
        self.forget(key, replay.next());
        self.answering -= usize::from(!replay.entry().observe);
        Some(replay)
    }

    /// Changes the replay of a subscription with `change`, and returns what `change` returns.
    pub(super) fn change<T>(
        &mut self,
        entry: &SubscriptionEntry,
        change: impl FnOnce(&mut Replay) -> T,
    ) -> Option<T> {
        let key = key(entry);
        let mut replay = self.all.remove(&key)?;
        self.forget(key, replay.next());
        let changed = change(&mut replay);
        self.note(key, &replay);
        self.all.insert(key, replay);
        Some(changed)
    }

    /// Returns a subscription for which publishers have to wait, so that nothing is lost to it.
    pub(super) fn holding(&self) -> Option<&Arc<SubscriptionEntry>> {
        self.all.get(self.holding.first()?).map(Replay::entry)
    }

    /// Returns what the history has to keep.
    pub(super) fn needs(&self) -> Option<ReplayNeeds> {
        let (from, _) = *self.by_next.first()?;
        let firmly_from = self.firm.first().map_or(u64::MAX, |(next, _)| *next);
        Some(ReplayNeeds { from, firmly_from })
    }

    fn note(&mut self, key: Key, replay: &Replay) {
        self.by_next.insert((replay.next(), key));
        if replay.must_lose_nothing() {
            self.firm.insert((replay.next(), key));
        }
        if replay.holds_publishers() {
            self.holding.insert(key);
        }
    }

    fn forget(&mut self, key: Key, next: u64) {
        self.by_next.remove(&(next, key));
        self.firm.remove(&(next, key));
        self.holding.remove(&key);
    }
}
