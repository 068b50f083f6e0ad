//! Holds the replays of one topic.
//!
//! Without this list, a topic would not know which subscriptions still have to become members, and
//! what its history has to keep for them.

use super::history::ReplayNeeds;
use super::replay::Replay;
use super::subscription_entry::SubscriptionEntry;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Holds the replays of one topic that have not caught up, by connection and subscription.
#[derive(Debug, Default)]
pub(super) struct Replays(pub(super) BTreeMap<(u64, u64), Replay>);

/// Returns the key of a subscription among the replays of a topic.
pub(super) fn key(entry: &SubscriptionEntry) -> (u64, u64) {
    (entry.connection.number(), entry.id)
}

impl Replays {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether one of the subscriptions answers requests.
    pub(super) fn has_subscriber(&self) -> bool {
        self.0.values().any(|replay| !replay.entry().observe)
    }

    pub(super) fn contains(&self, entry: &SubscriptionEntry) -> bool {
        self.0.contains_key(&key(entry))
    }

    /// Returns a subscription for which publishers have to wait, so that nothing is lost to it.
    pub(super) fn holding(&self) -> Option<&Arc<SubscriptionEntry>> {
        self.0.values().find(|replay| replay.holds_publishers()).map(Replay::entry)
    }

    /// Returns what the history has to keep.
    pub(super) fn needs(&self) -> Option<ReplayNeeds> {
        let from = self.0.values().map(Replay::next).min()?;
        let firm = self.0.values().filter(|replay| replay.must_lose_nothing());
        let firmly_from = firm.map(Replay::next).min().unwrap_or(u64::MAX);
        Some(ReplayNeeds { from, firmly_from })
    }
}
