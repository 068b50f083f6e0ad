//! Which numbers count up together on a connection, and what has to stay in order among itself.
//!
//! Gaps are joined, and runs are taken back, by these two. If they were confused, a GAP could name
//! numbers that were never due, or a past could come behind its present.

use hub_wire::TopicName;

/// Whose events these are: a topic's, for one subscription or for all plain ones.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lane {
    /// The topic.
    pub topic: TopicName,
    /// Its epoch.
    pub epoch: u64,
    /// The one subscription the events are for.
    pub subscription: Option<u64>,
}

/// What has to stay in order among itself.
///
/// All that a connection gets of a topic for its plain subscriptions is one track: what one of
/// them asked for of the past (a lane with its id) has to stay in front of what all of them get.
/// The share of a group's member is another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Track {
    topic: TopicName,
    member: Option<u64>,
}

impl Track {
    pub(super) fn of(lane: &Lane, share: bool) -> Self {
        Track { topic: lane.topic.clone(), member: lane.subscription.filter(|_| share) }
    }

    /// That of a frame that has its position among a topic's events for plain subscriptions.
    pub(super) fn of_topic(topic: TopicName) -> Self {
        Track { topic, member: None }
    }

    /// Whether it is that of a group's member.
    pub(super) fn is_share(&self) -> bool {
        self.member.is_some()
    }
}
