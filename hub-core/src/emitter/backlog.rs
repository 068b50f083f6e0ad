//! Holds the messages that wait for one subscription, in order and up to a bound. A gap takes the
//! place of each message that was dropped. Without the bound, one slow listener could use up the
//! memory of its process. Without the gaps, a listener would not know which events it missed.

use super::gaps::Gaps;
use super::{Delivery, Message};
use crate::overflow::{AtBound, policy};
use hub_wire::{Gap, GapReason, Overflow};
use std::collections::{HashSet, VecDeque};

/// Holds messages in order. In front of each message stand the gaps of its topic that come before
/// the message.
///
/// A gap has a place in the order of its topic, but none among other topics. This rule keeps the
/// number of gaps small.
#[derive(Debug)]
pub(super) struct SubscriptionBacklog {
    /// These gaps stand for events that were dropped from the front of `entries`. They are
    /// delivered before everything that waits.
    lead: Gaps,
    entries: VecDeque<Entry>,
    /// These gaps stand for events that were never appended. They move to `entries` with the next
    /// message of their topic.
    tail: Gaps,
    /// `entries` holds this many gaps.
    inner_gaps: usize,
    /// At most this many messages may wait.
    capacity: usize,
    /// This policy decides what happens to messages beyond `capacity`.
    overflow: Overflow,
    /// If this is true, the subscription gets every event of its topics. See [`Gaps::add`].
    exact: bool,
}

/// Holds a message that waits, and the gaps in front of the message.
#[derive(Debug)]
struct Entry {
    missed: VecDeque<Gap>,
    message: Message,
}

/// States what became of a message or a gap that was to be appended.
#[derive(Debug)]
pub(super) enum PushResult {
    /// The message waits, or a gap stands in its place.
    Done,
    /// There is no room and the overflow policy is `block`. The message comes back to the caller.
    Full(Message),
    /// The subscription has to end, because there is no room and the overflow policy is
    /// `disconnect`, or because there are too many gaps.
    Overrun,
}

impl SubscriptionBacklog {
    /// Makes an empty backlog. [`Gaps::add`] explains `exact`.
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

    /// Returns whether neither a message nor a gap waits.
    pub(super) fn is_empty(&self) -> bool {
        self.lead.len() + self.entries.len() + self.tail.len() == 0
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

    /// Appends a gap. The capacity does not count gaps, which have a bound of their own.
    pub(super) fn push_gap(&mut self, gap: Gap) -> PushResult {
        self.tail.add(gap, self.exact);
        if self.has_too_many_gaps() { PushResult::Overrun } else { PushResult::Done }
    }

    /// Removes and returns the next delivery.
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

    /// Empties the backlog. Returns the messages that other members of the queue group should get.
    /// For a subscription without a group, there are no such messages.
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

    /// Makes room for the message `coming`. First drops every message for which a newer message
    /// with the same topic and key waits or is `coming`. Then drops the oldest messages until a
    /// quarter of the queue is free. In a queue for fewer than 4 messages, room for one message is
    /// enough.
    ///
    /// The function visits every message that waits. It frees a quarter of the queue at once, so
    /// that it runs rarely even if there are more keys than the queue has room for.
    fn conflate_for(&mut self, coming: &Message) {
        let mut newest = HashSet::from([key_of(coming)]);
        // The walk goes from the newest to the oldest message, so the first message of each key
        // that it meets is the message to keep.
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
        // No message follows the gaps that are left in `pending`. Gaps of the same topics may
        // follow in `tail`, and they merge with them.
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
    /// Turns the entry into gaps: the gaps in front of the message, and a gap in place of the
    /// message.
    fn into_gaps(self, reason: GapReason) -> impl Iterator<Item = Gap> {
        self.missed.into_iter().chain([self.message.gap(reason)])
    }
}

/// Returns the key of a message. Under the policy `latest`, messages with equal keys replace one
/// another.
fn key_of(message: &Message) -> (&str, Option<&str>) {
    (message.topic.as_str(), message.headers.key())
}
