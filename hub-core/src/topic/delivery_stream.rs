//! Defines two keys by which a delivery queue tells its entries apart: [`DeliveryStream`] groups
//! the entries whose event numbers count up together, and [`OrderingKey`] groups the entries that
//! must keep their order.
//!
//! A queue joins gaps and takes back runs by these keys. If it confused the two, a GAP could name
//! event numbers that were never due, or a replayed event could come after a newer one.

use hub_wire::{SubscriptionIds, TopicName};

/// Names the events of one topic that a connection gets for the same subscriptions. The event
/// numbers of a stream count up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DeliveryStream {
    /// The events are published on this topic.
    pub topic: TopicName,
    /// The event numbers belong to this epoch of the topic.
    pub epoch: u64,
    /// The events are for these subscriptions of the connection.
    pub subscriptions: SubscriptionIds,
}

impl DeliveryStream {
    /// Returns the stream of the same topic for these subscriptions.
    pub(super) fn with_subscriptions(&self, subscriptions: SubscriptionIds) -> Self {
        DeliveryStream { topic: self.topic.clone(), epoch: self.epoch, subscriptions }
    }
}

/// Entries of a delivery queue with equal ordering keys must keep their order.
///
/// All entries of one topic for the plain subscriptions of a connection have one key. They include
/// the replay for a single subscription, because replayed events must stay in front of the events
/// that all plain subscriptions get. Each membership in a queue group has a key of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct OrderingKey {
    topic: TopicName,
    member: Option<u64>,
}

impl OrderingKey {
    /// Returns the key of a run or a gap in this stream. `share` states whether it belongs to the
    /// share of a member of a queue group.
    pub(super) fn of(stream: &DeliveryStream, share: bool) -> Self {
        let member = stream.subscriptions.as_slice().first().copied().filter(|_| share);
        OrderingKey { topic: stream.topic.clone(), member }
    }

    /// Returns whether the key belongs to a member of a queue group.
    pub(super) fn is_share(&self) -> bool {
        self.member.is_some()
    }
}
