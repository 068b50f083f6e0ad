//! The bounded queue of messages that wait for one subscription, in order, with a gap for each
//! message that was dropped. Without the bound, one slow listener could use up the memory of its
//! process; without the gaps, it would not know what it missed.

use super::gaps::Gaps;
use super::{Delivery, Message};
use crate::overflow::{AtBound, policy};
use hub_wire::{Gap, GapReason, Overflow};
use std::collections::{HashSet, VecDeque};

/// Messages in order. In front of each message stand the gaps of its topic that come before it.
///
/// A gap has a place in the order of its topic, but none among other topics. That keeps the number
/// of gaps small.
#[derive(Debug)]
pub(super) struct SubscriptionBacklog {
    /// The gaps of events that were dropped from the front of `entries`. They are delivered before
    /// everything else.
    lead: Gaps,
    entries: VecDeque<Entry>,
    /// The gaps of events that were never appended. They move to `entries` with the next message of
    /// their topic.
    tail: Gaps,
    /// How many gaps `entries` holds.
    inner_gaps: usize,
    /// How many messages may wait.
    capacity: usize,
    /// What happens to messages beyond `capacity`.
    overflow: Overflow,
    /// Whether the subscription gets every event of its topics, see [`Gaps::add`].
    exact: bool,
}

/// A message that waits, and the gaps in front of it.
#[derive(Debug)]
struct Entry {
    missed: VecDeque<Gap>,
    message: Message,
}

/// The result of appending a message or a gap.
#[derive(Debug)]
pub(super) enum PushResult {
    /// The message waits, or a gap stands in its place.
    Done,
    /// There is no room and the overflow policy is `block`. The message comes back to the caller.
    Full(Message),
    /// The subscription has to end: there is no room and the overflow policy is `disconnect`, or
    /// there are too many gaps.
    Overrun,
}

impl SubscriptionBacklog {
    /// Makes an empty backlog. For `exact`, see [`Gaps::add`].
    pub(super) fn new(capacity: usize, overflow: Overflow, exact: bool) -> Self {
        SubscriptionBacklog {
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

    /// Appends a message. If there is no room, the overflow policy decides.
    pub(super) fn push(&mut self, message: Message) -> PushResult {
        if self.is_full() {
            match policy(self.overflow).at_bound {
                AtBound::Hold => return PushResult::Full(message),
                AtBound::End => return PushResult::Overrun,
                AtBound::DropNewest => {
                    return self.push_gap(message.gap(GapReason::Overflow));
                }
                AtBound::DropOldest => self.drop_oldest(),
                AtBound::Conflate => self.conflate_for(&message),
            }
            if self.has_too_many_gaps() {
                return PushResult::Overrun;
            }
        }
        let missed = self.tail.take(message.topic.as_str());
        self.inner_gaps += missed.len();
        self.entries.push_back(Entry { missed, message });
        PushResult::Done
    }

    /// Appends a gap. The capacity does not count gaps; they have a bound of their own.
    pub(super) fn push_gap(&mut self, gap: Gap) -> PushResult {
        self.tail.add(gap, self.exact);
        if self.has_too_many_gaps() { PushResult::Overrun } else { PushResult::Done }
    }

    /// Takes the next delivery out.
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

    /// Empties the backlog. Returns the messages that other members of the queue group should get;
    /// for a subscription without a group there are none.
    pub(super) fn clear(&mut self) -> Vec<Message> {
        let empty = SubscriptionBacklog::new(self.capacity, self.overflow, self.exact);
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

    /// Makes room for `coming`: drops every message for which a newer one with the same topic and
    /// key waits or is `coming`. If that drops none, the oldest message is dropped.
    ///
    /// This walks through everything that waits. It frees a quarter of the queue, so that it is
    /// rare even when there are more keys than the queue has room for.
    fn conflate_for(&mut self, coming: &Message) {
        let mut newest = HashSet::from([key_of(coming)]);
        // The walk goes from the newest to the oldest message, so the first one of a key is the one
        // to keep.
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
        // No message follows the gaps that are left in `pending`, but gaps of their topics may.
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
    /// Turns the entry into gaps: those in front of the message, and one in place of the message.
    fn into_gaps(self, reason: GapReason) -> impl Iterator<Item = Gap> {
        self.missed.into_iter().chain([self.message.gap(reason)])
    }
}

/// Messages with equal results replace one another under the policy `latest`.
fn key_of(message: &Message) -> (&str, Option<&str>) {
    (message.topic.as_str(), message.headers.key())
}
