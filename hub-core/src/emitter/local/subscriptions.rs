//! Holds the subscriptions of an in-process hub, and chooses the subscriptions that get an event.
//! Without the choice, all members of a queue group would get every event.

use crate::emitter::{Feed, Message, Pushed};
use hub_wire::{FilterIndex, GapReason, TopicFilter, TopicName};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Describes a subscription as the in-process hub sees it.
#[derive(Debug)]
pub(super) struct LocalSubscription {
    /// The ids count up, so their order is the order of registration.
    pub(super) id: u64,
    pub(super) filter: TopicFilter,
    pub(super) group: Option<Arc<str>>,
    /// If this is true, the subscription does not count as one that answers requests.
    pub(super) observe: bool,
    pub(super) feed: Feed,
}

impl LocalSubscription {
    /// Pushes a message that cannot wait for room. If there is no room, a gap takes its place.
    pub(super) fn push_now(&self, message: Message) {
        if let Pushed::Full(message) = self.feed.push(message) {
            self.feed.push_gap(message.gap(GapReason::Overflow));
        }
    }
}

/// Maps each queue group to the id of its member that got the last event of a topic.
pub(super) type RoundRobin = BTreeMap<Arc<str>, u64>;

/// Holds all subscriptions of an in-process hub.
#[derive(Debug, Default)]
pub(super) struct LocalSubscriptions(FilterIndex<Arc<LocalSubscription>>);

/// States which subscriptions get an event.
pub(super) enum Recipients {
    /// All of these subscriptions get the event.
    Chosen(Vec<Arc<LocalSubscription>>),
    /// No subscription gets the event yet, because one of these subscriptions must have room first.
    NoRoom(Vec<Arc<LocalSubscription>>),
}

impl LocalSubscriptions {
    pub(super) fn add(&mut self, member: LocalSubscription) {
        let filter = member.filter.clone();
        self.0.insert(&filter, Arc::new(member));
    }

    pub(super) fn remove(
        &mut self,
        filter: &TopicFilter,
        id: u64,
    ) -> Option<Arc<LocalSubscription>> {
        self.0.remove(filter, |member| member.id == id)
    }

    /// Returns the subscriptions whose filter matches, in the order of registration.
    pub(super) fn matching(&self, topic: &TopicName) -> Vec<Arc<LocalSubscription>> {
        let mut members = Vec::new();
        self.0.matching(topic, |member| members.push(member.clone()));
        members.sort_unstable_by_key(|member| member.id);
        members
    }
}

/// Chooses all subscriptions without a queue group, and one member of each group. The caller
/// advances `turns`.
pub(super) fn choose(members: Vec<Arc<LocalSubscription>>, turns: &RoundRobin) -> Recipients {
    let mut groups: BTreeMap<Arc<str>, Vec<Arc<LocalSubscription>>> = BTreeMap::new();
    let mut chosen = Vec::with_capacity(members.len());
    for member in members {
        match &member.group {
            Some(group) => groups.entry(group.clone()).or_default().push(member),
            None if member.feed.has_room() => chosen.push(member),
            None => return Recipients::NoRoom(vec![member]),
        }
    }
    for (group, members) in groups {
        let last = turns.get(&group).copied().unwrap_or(0);
        match in_turn(&members, last) {
            Some(member) if member.feed.has_room() => chosen.push(member.clone()),
            _ => return Recipients::NoRoom(members),
        }
    }
    chosen.sort_unstable_by_key(|member| member.id);
    Recipients::Chosen(chosen)
}

/// Chooses the member of a group that gets the next event. The search begins behind the member with
/// the id `last`. It prefers a member that keeps up, and then a member that takes a push without
/// waiting. If there is neither, the next member gets the event.
pub(super) fn in_turn(
    members: &[Arc<LocalSubscription>],
    last: u64,
) -> Option<&Arc<LocalSubscription>> {
    let after = members.partition_point(|member| member.id <= last);
    let in_order = || members[after..].iter().chain(&members[..after]);
    in_order()
        .find(|member| member.feed.is_keeping_up())
        .or_else(|| in_order().find(|member| member.feed.has_room()))
        .or_else(|| in_order().next())
}
