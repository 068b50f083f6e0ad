//! Everything an in-process hub knows, under one lock: topics, their numbers, and members.

use super::members::{Choice, Member, Members, Turns, choose, in_turn};
use crate::emitter::{Feed, Headers, Message, Pushed, SubscribeOptions};
use bytes::Bytes;
use hub_wire::{Gap, GapReason, Position, Start, TopicFilter, TopicName};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Topics begin anew with their process, which takes all that could compare epochs with it.
pub(super) const EPOCH: u64 = 1;

/// How many topics a hub holds at most; each keeps its last event.
const MAX_TOPICS: usize = 64 * 1024;

/// What is to be published.
pub(super) struct Event<'a> {
    pub(super) topic: &'a TopicName,
    pub(super) payload: Bytes,
    pub(super) headers: &'a Headers,
    pub(super) publisher: &'a Arc<str>,
}

impl Event<'_> {
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

/// What became of an event.
pub(super) enum Attempt {
    Done,
    /// One of these must have room first.
    NoRoom(Vec<Arc<Member>>),
    NoSubscriber,
    TooManyTopics,
    Closed,
}

#[derive(Debug, Default)]
pub(super) struct State {
    topics: BTreeMap<TopicName, Topic>,
    members: Members,
    last_id: u64,
    closed: bool,
}

#[derive(Debug, Default)]
struct Topic {
    last: Option<Message>,
    turns: Turns,
}

impl Topic {
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

    /// Numbers the event and hands it to its subscribers, all at once or not at all.
    pub(super) fn publish(
        &mut self,
        event: &Event<'_>,
        to_somebody: bool,
        clock: &dyn Fn() -> u64,
    ) -> Attempt {
        if self.closed {
            return Attempt::Closed;
        }
        let members = self.members.matching(event.topic);
        if to_somebody && members.is_empty() {
            return Attempt::NoSubscriber;
        }
        if self.topics.len() >= MAX_TOPICS && !self.topics.contains_key(event.topic) {
            return Attempt::TooManyTopics;
        }
        let topic = self.topics.entry(event.topic.clone()).or_default();
        let chosen = match choose(members, &topic.turns) {
            Choice::These(chosen) => chosen,
            Choice::NoRoom(members) => return Attempt::NoRoom(members),
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
        Attempt::Done
    }

    /// Adds a subscription, and hands it what it should start with.
    pub(super) fn join(
        &mut self,
        id: u64,
        filter: TopicFilter,
        options: SubscribeOptions,
        feed: Feed,
    ) {
        let group = options.group.map(Arc::from);
        let member = Member { id, filter, group, feed };
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

    /// Takes a subscription out. What waited for a member of a group goes to the others.
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

    /// Ends everything: dropping a member's feed ends its subscription.
    pub(super) fn close(&mut self) {
        *self = State { closed: true, last_id: self.last_id, ..State::default() };
    }
}

/// Hands over what came after a position, as far as it is still there: the last event.
fn resume(member: &Member, topic: &Topic, seen: Option<Position>) {
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
