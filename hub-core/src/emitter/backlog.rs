//! What waits for a subscription: bounded, in order, and honest about what it drops.

use super::gaps::Gaps;
use super::{Delivery, Message};
use hub_wire::{Gap, GapReason, Overflow};
use std::collections::{HashSet, VecDeque};

/// Messages in order, each behind the gaps of its topic that come before it.
///
/// A gap has its place in the order of its topic; among other topics it has none. That is what
/// keeps the number of gaps small.
#[derive(Debug)]
pub(super) struct Backlog {
    /// Of events dropped from the front; comes before everything else.
    lead: Gaps,
    entries: VecDeque<Entry>,
    /// Of events that never got in, until a message of their topic does.
    tail: Gaps,
    /// Gaps that stand in `entries`.
    inner_gaps: usize,
    capacity: usize,
    overflow: Overflow,
    exact: bool,
}

#[derive(Debug)]
struct Entry {
    missed: VecDeque<Gap>,
    message: Message,
}

/// What became of a message.
#[derive(Debug)]
pub(super) enum Push {
    /// It waits, or a gap stands in its place.
    Done,
    /// There is no room and the policy is `block`: here it is again.
    Full(Message),
    /// There is no room and the policy is `disconnect`, or there are too many gaps.
    Overrun,
}

impl Backlog {
    /// `exact`: see [`Gaps::add`].
    pub(super) fn new(capacity: usize, overflow: Overflow, exact: bool) -> Self {
        Backlog {
            lead: Gaps::default(),
            entries: VecDeque::new(),
            tail: Gaps::default(),
            inner_gaps: 0,
            capacity: capacity.max(1),
            overflow,
            exact,
        }
    }

    pub(super) fn overflow(&self) -> Overflow {
        self.overflow
    }

    pub(super) fn is_full(&self) -> bool {
        self.entries.len() >= self.capacity
    }

    pub(super) fn push(&mut self, message: Message) -> Push {
        if self.is_full() {
            match self.overflow {
                Overflow::Block => return Push::Full(message),
                Overflow::Disconnect => return Push::Overrun,
                Overflow::DropNewest => {
                    return self.push_gap(gap_of(&message, GapReason::Overflow));
                }
                Overflow::DropOldest => self.drop_oldest(),
                Overflow::Latest => self.conflate_for(&message),
            }
            if self.has_too_many_gaps() {
                return Push::Overrun;
            }
        }
        let missed = self.tail.take(message.topic.as_str());
        self.inner_gaps += missed.len();
        self.entries.push_back(Entry { missed, message });
        Push::Done
    }

    pub(super) fn push_gap(&mut self, gap: Gap) -> Push {
        self.tail.add(gap, self.exact);
        if self.has_too_many_gaps() { Push::Overrun } else { Push::Done }
    }

    pub(super) fn pop(&mut self) -> Option<Delivery> {
        if let Some(gap) = self.lead.pop() {
            return Some(Delivery::Gap(gap));
        }
        let Some(first) = self.entries.front_mut() else {
            return self.tail.pop().map(Delivery::Gap);
        };
        if let Some(gap) = first.missed.pop_front() {
            self.inner_gaps -= 1;
            return Some(Delivery::Gap(gap));
        }
        self.entries.pop_front().map(|entry| Delivery::Message(entry.message))
    }

    /// Empties it. Returns the messages that others of a queue group should get.
    pub(super) fn clear(&mut self) -> Vec<Message> {
        let empty = Backlog::new(self.capacity, self.overflow, self.exact);
        let before = std::mem::replace(self, empty);
        let shared = !before.exact;
        before.entries.into_iter().filter(|_| shared).map(|entry| entry.message).collect()
    }

    fn has_too_many_gaps(&self) -> bool {
        self.lead.len() + self.inner_gaps + self.tail.len() > super::MAX_GAPS
    }

    fn drop_oldest(&mut self) {
        let Some(entry) = self.entries.pop_front() else { return };
        self.inner_gaps -= entry.missed.len();
        entry.into_gaps(GapReason::Overflow).for_each(|gap| self.lead.add(gap, self.exact));
    }

    /// Makes room for `coming`: drops every message of which a newer one with the same topic
    /// and key is here or coming; if that drops none, the oldest.
    ///
    /// Looks at everything that waits. A quarter of the queue is made free, so that this is
    /// rare also when there are more keys than places.
    fn conflate_for(&mut self, coming: &Message) {
        let mut newest = HashSet::from([key_of(coming)]);
        // From the newest to the oldest: the first of a key is the one to keep.
        let keep: Vec<bool> =
            self.entries.iter().rev().map(|entry| newest.insert(key_of(&entry.message))).collect();
        let mut pending = Gaps::default();
        let entries = std::mem::take(&mut self.entries);
        self.inner_gaps = 0;
        for (mut entry, keep) in entries.into_iter().zip(keep.into_iter().rev()) {
            if keep {
                entry.missed.drain(..).for_each(|gap| pending.add(gap, self.exact));
                entry.missed = pending.take(entry.message.topic.as_str());
                self.inner_gaps += entry.missed.len();
                self.entries.push_back(entry);
            } else {
                entry.into_gaps(GapReason::Conflated).for_each(|gap| pending.add(gap, self.exact));
            }
        }
        // What is left has no message of its topic behind it, but may have gaps.
        let mut tail = std::mem::replace(&mut self.tail, pending);
        while let Some(gap) = tail.pop() {
            self.tail.add(gap, self.exact);
        }
        while self.is_full() || self.entries.len() > self.capacity / 4 * 3 && self.capacity >= 4 {
            self.drop_oldest();
        }
    }
}

impl Entry {
    /// The gaps before the message, and the one in its place.
    fn into_gaps(self, reason: GapReason) -> impl Iterator<Item = Gap> {
        self.missed.into_iter().chain([gap_of(&self.message, reason)])
    }
}

fn key_of(message: &Message) -> (&str, Option<&str>) {
    (message.topic.as_str(), message.headers.key())
}

/// The gap that a dropped message leaves.
fn gap_of(message: &Message, reason: GapReason) -> Gap {
    Gap {
        topic: message.topic.as_str().to_owned(),
        epoch: message.epoch,
        from: message.seq,
        to: Some(message.seq),
        reason,
        subscription: None,
    }
}
