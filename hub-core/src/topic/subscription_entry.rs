//! One subscription, as its session files it and topics take it in.
//!
//! It holds everything that a topic has to know. Without it, topics would have to ask sessions,
//! which run on other threads.

use super::outlet::Outlet;
use hub_wire::{Overflow, Start, TopicFilter, TopicName};
use std::sync::Arc;

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
    pub(super) fn may_read(&self, topic: &TopicName) -> bool {
        self.guard.as_ref().is_none_or(|guard| guard.may_read(topic))
    }
}
