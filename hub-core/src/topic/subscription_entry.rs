//! Describes one subscription for the registry and for topics.
//!
//! The entry holds everything that a topic has to know of the subscription. Without the entry,
//! topics would have to ask sessions, which run on other threads.

use super::account::Charge;
use super::acknowledgement::AckPolicy;
use super::flow::FlowGauge;
use super::replay_line::WaitingReplays;
use super::subscriber_connection::SubscriberConnection;
use hub_wire::{Overflow, Start, TopicFilter, TopicName};
use std::sync::Arc;

/// Describes one subscription of one connection.
#[derive(Debug)]
pub struct SubscriptionEntry {
    /// The client chose this id.
    pub id: u64,
    /// The subscription is for the topics that match this filter.
    pub filter: TopicFilter,
    /// The subscription is a member of the queue group with this name. Without a name, it is a
    /// plain subscription.
    pub group: Option<Arc<str>>,
    /// This overflow policy applies to its events when the delivery queue is full.
    pub overflow: Overflow,
    /// In topics that exist already, the subscription starts here.
    pub start: Start,
    /// If this is true, the hub tells the client the next event number of each topic that exists
    /// already.
    pub positions: bool,
    /// If this is true, the subscription does not count as somebody who answers requests.
    pub observe: bool,
    /// The gauge of the subscription's window, if it has one. The window itself is in the delivery
    /// queue of the connection.
    pub flow: Option<Arc<FlowGauge>>,
    /// These topics have a past for the subscription that waits for room.
    pub replays: WaitingReplays,
    /// The client acknowledges each event on these terms, if it acknowledges events at all.
    pub ack: Option<AckPolicy>,
    /// The events go to this connection.
    pub connection: Arc<dyn SubscriberConnection>,
    /// The guard decides which of the matching topics the subscription may read. Without a guard, it may
    /// read all of them.
    pub guard: Option<Arc<dyn TopicGuard>>,
    /// What the subscription takes is charged to its connection.
    pub charge: Option<Charge>,
}

/// A member of a topic takes this many bytes there.
pub(super) const MEMBER: usize = 240;
/// A further subscription of the same connection takes this many bytes there.
const FURTHER: usize = 40;

/// Decides which of the topics that match its filter a subscription may read.
pub trait TopicGuard: Send + Sync + std::fmt::Debug {
    /// Returns whether the subscription may read this topic.
    fn may_read(&self, topic: &TopicName) -> bool;
}

impl SubscriptionEntry {
    /// Charges a membership in a topic to the connection. `further` states whether the connection has
    /// another one there.
    pub(super) fn membership(&self, further: bool) -> Option<Charge> {
        let bytes = if further { FURTHER } else { MEMBER };
        self.charge.as_ref().map(|charge| Charge::new(charge.account(), bytes))
    }

    /// Returns whether its client still gets what is queued for the subscription when it ends.
    pub(super) fn gets_what_waits(&self) -> bool {
        self.flow.is_none() || self.replays.drains()
    }

    /// Returns whether the subscription may read this topic.
    pub(super) fn may_read(&self, topic: &TopicName) -> bool {
        self.guard.as_ref().is_none_or(|guard| guard.may_read(topic))
    }
}
