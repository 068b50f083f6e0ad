//! Keeps the topics, the event numbers and the subscriptions of an in-process hub under one lock.
//! With more than one lock, two listeners could see two events in different orders.

use super::subscriptions::{
    LocalSubscription, LocalSubscriptions, Recipients, RoundRobin, choose, in_turn,
};
use crate::emitter::{Feed, Headers, Message, Pushed, SubscribeOptions};
use bytes::Bytes;
use hub_wire::{Gap, GapReason, Position, Start, TopicFilter, TopicName};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Every topic has this epoch. A topic ends with its process, so nothing remains that could compare
/// its epoch with a later one.
pub(super) const EPOCH: u64 = 1;

/// A hub holds at most this many topics. Each topic keeps its last event.
const MAX_TOPICS: usize = 64 * 1024;

/// Describes an event that is to be published.
pub(super) struct NewEvent<'a> {
    pub(super) topic: &'a TopicName,
    pub(super) payload: Bytes,
    pub(super) headers: &'a Headers,
    pub(super) publisher: &'a Arc<str>,
}

impl NewEvent<'_> {
    /// Makes the message that subscribers get.
    pub(super) fn message(&self, epoch: u64, seq: u64, time_ms: u64) -> Message {
        Message {
            topic: self.topic.clone(),
            epoch,
            seq,
            publisher: self.publisher.clone(),
            time_ms,
            headers: self.headers.clone(),
            payload: self.payload.clone(),
        }
    }
}

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
#[derive(Debug, Default)]
pub(super) struct State {
    topics: BTreeMap<TopicName, LocalTopic>,
    members: LocalSubscriptions,
    last_id: u64,
    closed: bool,
}

/// Holds what the hub knows of one topic.
#[derive(Debug, Default)]
struct LocalTopic {
    last: Option<Message>,
    turns: RoundRobin,
}

impl LocalTopic {
    /// Returns the number of the last event, or 0 if the topic has had no event.
    fn seq(&self) -> u64 {
        self.last.as_ref().map_or(0, |last| last.seq)
    }
}

impl State {
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
        if to_somebody && members.is_empty() {
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
        let message = event.message(EPOCH, topic.seq() + 1, clock());
        for member in chosen {
            if let Some(group) = &member.group {
                topic.turns.insert(group.clone(), member.id);
            }
            if let Pushed::Ended = member.feed.push(message.clone()) {
                self.members.remove(&member.filter, member.id);
            }
        }
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
        let group = options.group.map(Arc::from);
        let member = LocalSubscription { id, filter, group, feed };
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
                    resume(&member, topic, positions.get(name.as_str()).copied());
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
        for message in left {
            let mut others = self.members.matching(&message.topic);
            others.retain(|member| member.group.as_ref() == Some(group));
            let Some(topic) = self.topics.get_mut(&message.topic) else { continue };
            let last = topic.turns.get(group).copied().unwrap_or(0);
            if let Some(next) = in_turn(&others, last) {
                topic.turns.insert(group.clone(), next.id);
                next.push_now(message);
            }
        }
    }

    /// Closes the hub. Dropping the feed of a subscription ends the subscription.
    pub(super) fn close(&mut self) {
        *self = State { closed: true, last_id: self.last_id, ..State::default() };
    }
}

/// Pushes the events that were published after the position `seen`. The topic keeps only its last
/// event, so a gap stands for the others.
fn resume(member: &LocalSubscription, topic: &LocalTopic, seen: Option<Position>) {
    let Some(last) = &topic.last else { return };
    let gap = |epoch, from, to, reason| {
        let topic = last.topic.as_str().to_owned();
        member.feed.push_gap(Gap { topic, epoch, from, to, reason, subscription: None });
    };
    let seq = match seen {
        Some(seen) if seen.epoch == EPOCH => seen.seq,
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
        gap(EPOCH, seq + 1, Some(last.seq - 1), GapReason::Away);
    }
    member.push_now(last.clone());
}
