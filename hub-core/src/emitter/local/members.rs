//! Who is subscribed, and who of them gets an event.

use crate::emitter::{Feed, Message, Pushed};
use hub_wire::{FilterIndex, Gap, GapReason, TopicFilter, TopicName};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A subscription, as the hub sees it.
#[derive(Debug)]
pub(super) struct Member {
    /// Counts up: the order of ids is the order of registration.
    pub(super) id: u64,
    pub(super) filter: TopicFilter,
    pub(super) group: Option<Arc<str>>,
    pub(super) feed: Feed,
}

impl Member {
    /// Pushes what cannot wait for room: a message for which there is none becomes a gap.
    pub(super) fn push_now(&self, message: Message) {
        if let Pushed::Full(message) = self.feed.push(message) {
            self.feed.push_gap(Gap {
                topic: message.topic.as_str().to_owned(),
                epoch: message.epoch,
                from: message.seq,
                to: Some(message.seq),
                reason: GapReason::Overflow,
                subscription: None,
            });
        }
    }
}

/// Of each queue group, the member that had the last turn in a topic.
pub(super) type Turns = BTreeMap<Arc<str>, u64>;

/// All subscriptions.
#[derive(Debug, Default)]
pub(super) struct Members(FilterIndex<Arc<Member>>);

/// Who gets an event.
pub(super) enum Choice {
    These(Vec<Arc<Member>>),
    /// Nobody yet: one of these must have room first.
    NoRoom(Vec<Arc<Member>>),
}

impl Members {
    pub(super) fn add(&mut self, member: Member) {
        let filter = member.filter.clone();
        self.0.insert(&filter, Arc::new(member));
    }

    pub(super) fn remove(&mut self, filter: &TopicFilter, id: u64) -> Option<Arc<Member>> {
        self.0.remove(filter, |member| member.id == id)
    }

    /// Those whose filter matches, in the order in which they registered.
    pub(super) fn matching(&self, topic: &TopicName) -> Vec<Arc<Member>> {
        let mut members = Vec::new();
        self.0.matching(topic, |member| members.push(member.clone()));
        members.sort_unstable_by_key(|member| member.id);
        members
    }
}

/// All that are in no group, and of each group one. Moves no turn.
pub(super) fn choose(members: Vec<Arc<Member>>, turns: &Turns) -> Choice {
    let mut groups: BTreeMap<Arc<str>, Vec<Arc<Member>>> = BTreeMap::new();
    let mut chosen = Vec::with_capacity(members.len());
    for member in members {
        match &member.group {
            Some(group) => groups.entry(group.clone()).or_default().push(member),
            None if member.feed.has_room() => chosen.push(member),
            None => return Choice::NoRoom(vec![member]),
        }
    }
    for (group, members) in groups {
        let last = turns.get(&group).copied().unwrap_or(0);
        match in_turn(&members, last) {
            Some(member) if member.feed.has_room() => chosen.push(member.clone()),
            _ => return Choice::NoRoom(members),
        }
    }
    chosen.sort_unstable_by_key(|member| member.id);
    Choice::These(chosen)
}

/// The member of a group whose turn it is, after the one with the id `last`: one that keeps up,
/// or one whose policy makes room, or, if all would wait, the next.
pub(super) fn in_turn(members: &[Arc<Member>], last: u64) -> Option<&Arc<Member>> {
    let after = members.partition_point(|member| member.id <= last);
    let in_order = || members[after..].iter().chain(&members[..after]);
    in_order()
        .find(|member| member.feed.is_keeping_up())
        .or_else(|| in_order().find(|member| member.feed.has_room()))
        .or_else(|| in_order().next())
}
