//! Keeps the topics, the event numbers and the subscriptions of an in-process hub under one lock.
//! With more than one lock, two listeners could see two events in different orders.

use super::injected_refusals::InjectedRefusals;
use super::new_event::NewEvent;
use super::subscriptions::{
    LocalSubscription, LocalSubscriptions, Recipients, RoundRobin, choose, in_turn,
};
use crate::emitter::{Feed, Message, Pushed, SubscribeOptions};
use hub_wire::{Gap, GapReason, Position, Start, SubscriptionIds, TopicFilter, TopicName};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A hub holds at most this many topics. Each topic keeps its last event.
const MAX_TOPICS: usize = 64 * 1024;

/// States the result of an attempt to publish an event.
pub(super) enum PublishAttempt {
    /// The event was published.
    Done,
    /// The event was not published, because one of these subscriptions must have room first.
    NoRoom(Vec<Arc<LocalSubscription>>),
    /// Nobody is subscribed, and the event needs a subscriber.
    NoSubscriber,
    /// The event would begin a topic beyond [`MAX_TOPICS`].
    TooManyTopics,
    /// The hub is closed.
    Closed,
}

/// Holds the topics and the subscriptions of the hub.
#[derive(Debug)]
pub(super) struct State {
    /// Every topic has this epoch. A [restart](State::restart) begins the next one.
    epoch: u64,
    pub(super) refusals: InjectedRefusals,
    topics: BTreeMap<TopicName, LocalTopic>,
    members: LocalSubscriptions,
    last_id: u64,
    closed: bool,
}

/// Holds what the hub knows of one topic.
#[derive(Debug, Default)]
struct LocalTopic {
    last: Option<Message>,
    /// So many numbers behind the last event were announced as missing.
    skipped: u64,
    turns: RoundRobin,
}

impl LocalTopic {
    /// Returns the number of the last event, or 0 if the topic has had no event.
    fn seq(&self) -> u64 {
        self.last.as_ref().map_or(0, |last| last.seq)
    }
}

impl Default for State {
    fn default() -> Self {
        State {
            epoch: 1,
            refusals: InjectedRefusals::default(),
            topics: BTreeMap::new(),
            members: LocalSubscriptions::default(),
            last_id: 0,
            closed: false,
        }
    }
}

impl State {
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(super) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Gives the event its number and pushes it to its subscribers: to all of them at once, or to
    /// none.
    pub(super) fn publish(
        &mut self,
        event: &NewEvent<'_>,
        to_somebody: bool,
        clock: &dyn Fn() -> u64,
    ) -> PublishAttempt {
        if self.closed {
            return PublishAttempt::Closed;
        }
        let members = self.members.matching(event.topic);
        if to_somebody && members.iter().all(|member| member.observe) {
            return PublishAttempt::NoSubscriber;
        }
        if self.topics.len() >= MAX_TOPICS && !self.topics.contains_key(event.topic) {
            return PublishAttempt::TooManyTopics;
        }
        let topic = self.topics.entry(event.topic.clone()).or_default();
        let chosen = match choose(members, &topic.turns) {
            Recipients::Chosen(chosen) => chosen,
            Recipients::NoRoom(members) => return PublishAttempt::NoRoom(members),
        };
        let message = event.message(self.epoch, topic.seq() + topic.skipped + 1, clock());
        for member in chosen {
            if let Some(group) = &member.group {
                topic.turns.insert(group.clone(), member.id);
            }
            if let Pushed::Ended = member.feed.push(message.clone()) {
                self.members.remove(&member.filter, member.id);
            }
        }
        topic.skipped = 0;
        topic.last = Some(message);
        PublishAttempt::Done
    }

    /// Adds a subscription, and pushes the events with which it should start.
    pub(super) fn join(
        &mut self,
        id: u64,
        filter: TopicFilter,
        options: SubscribeOptions,
        feed: Feed,
    ) {
        let (group, observe) = (options.group.map(Arc::from), options.observe);
        let member = LocalSubscription { id, filter, group, observe, feed };
        let matching = self.topics.iter().filter(|(name, _)| member.filter.matches(name));
        match &options.start {
            Start::Live => {}
            Start::Last => {
                matching
                    .filter_map(|(_, topic)| topic.last.clone())
                    .for_each(|m| member.push_now(m));
            }
            Start::After(positions) => {
                for (name, topic) in matching {
                    resume(&member, topic, self.epoch, positions.get(name.as_str()).copied());
                }
            }
        }
        self.members.add(member);
    }

    /// Removes a subscription. The messages that waited for a member of a queue group go to the
    /// other members.
    pub(super) fn leave(&mut self, id: u64, filter: &TopicFilter, left: Vec<Message>) {
        let Some(gone) = self.members.remove(filter, id) else { return };
        let Some(group) = &gone.group else { return };
        left.into_iter().for_each(|message| self.give_to_group(group, message));
    }

    /// Gives an event to the next member of a queue group, if the group has members.
    fn give_to_group(&mut self, group: &Arc<str>, message: Message) {
        let mut members = self.members.matching(&message.topic);
        members.retain(|member| member.group.as_ref() == Some(group));
        let Some(topic) = self.topics.get_mut(&message.topic) else { return };
        let last = topic.turns.get(group).copied().unwrap_or(0);
        if let Some(next) = in_turn(&members, last) {
            topic.turns.insert(group.clone(), next.id);
            next.push_now(message);
        }
    }

    /// Announces to the plain subscriptions of a topic that its next `count` events are missing.
    pub(super) fn skip(&mut self, name: &TopicName, count: u64, reason: GapReason) {
        if self.closed || count == 0 {
            return;
        }
        let topic = self.topics.entry(name.clone()).or_default();
        let from = topic.seq() + topic.skipped + 1;
        topic.skipped += count;
        let gap = gap_of(name, self.epoch, from, Some(from + count - 1), reason);
        for member in self.members.matching(name) {
            if member.group.is_none() {
                member.feed.push_gap(gap.clone());
            }
        }
    }

    /// Does to the subscriptions what the restart of a hub does: every topic is forgotten, and each
    /// plain subscription learns that what may have followed the last event is missing.
    pub(super) fn restart(&mut self) {
        for (name, topic) in std::mem::take(&mut self.topics) {
            let from = topic.seq() + topic.skipped + 1;
            let gap = gap_of(&name, self.epoch, from, None, GapReason::NewEpoch);
            for member in self.members.matching(&name) {
                if member.group.is_none() {
                    member.feed.push_gap(gap.clone());
                }
            }
        }
        self.epoch += 1;
    }

    /// Gives an event to a subscription again, or to another member of its queue group if it is gone.
    pub(super) fn give_again(&mut self, id: u64, group: Option<&Arc<str>>, message: Message) {
        let members = self.members.matching(&message.topic);
        match (members.iter().find(|member| member.id == id), group) {
            (Some(member), _) => member.push_now(message),
            (None, Some(group)) => self.give_to_group(group, message),
            (None, None) => {}
        }
    }

    /// Pushes a gap of a topic to a subscription.
    pub(super) fn tell(&self, id: u64, topic: &TopicName, gap: Gap) {
        let members = self.members.matching(topic);
        if let Some(member) = members.iter().find(|member| member.id == id) {
            member.feed.push_gap(gap);
        }
    }

    /// Closes the hub. Dropping the feed of a subscription ends the subscription.
    pub(super) fn close(&mut self) {
        *self = State { closed: true, last_id: self.last_id, ..State::default() };
    }
}

/// Pushes the events that were published after the position `seen`. The topic keeps only its last
/// event, so a gap stands for the others.
fn resume(member: &LocalSubscription, topic: &LocalTopic, current: u64, seen: Option<Position>) {
    let Some(last) = &topic.last else { return };
    let gap = |epoch, from, to, reason| {
        member.feed.push_gap(gap_of(&last.topic, epoch, from, to, reason));
    };
    let seq = match seen {
        Some(seen) if seen.epoch == current => seen.seq,
        Some(seen) => {
            gap(seen.epoch, seen.seq + 1, None, GapReason::NewEpoch);
            0
        }
        None => 0,
    };
    if seq >= last.seq {
        return;
    }
    if seq + 1 < last.seq {
        gap(current, seq + 1, Some(last.seq - 1), GapReason::Away);
    }
    member.push_now(last.clone());
}

/// Makes the gap that stands for these events of a topic.
fn gap_of(topic: &TopicName, epoch: u64, from: u64, to: Option<u64>, reason: GapReason) -> Gap {
    let topic = topic.as_str().to_owned();
    Gap { topic, epoch, from, to, reason, subscriptions: SubscriptionIds::NONE }
}
