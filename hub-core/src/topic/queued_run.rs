//! Holds a numbered run for delivery queues and the history, and cuts it into parts.
//!
//! All queues and the history share the bytes of a run. Without this sharing, each subscriber would
//! cost a copy of every event.

use super::delivery_stream::{DeliveryStream, OrderingKey};
use super::frames::frame_ends;
use super::held_bytes::HeldBytes;
use super::ledger::{Ledger, count};
use super::run_keys::RunKeys;
use super::run_source::RunSource;
use super::run_views::RunViews;
use bytes::Bytes;
use hub_wire::{Overflow, SubscriptionIds};
use std::sync::Arc;

/// Each entry of a queue counts for this many bytes beside its frames. They stand for the entry
/// itself, its RUN frame and the bookkeeping of its allocation.
pub(super) const ITEM_OVERHEAD: usize = 256;

/// Holds events with neighbouring numbers, ready to send.
#[derive(Debug, Clone)]
pub struct QueuedRun {
    /// The events belong to this stream.
    pub stream: DeliveryStream,
    /// This is the ledger of the topic. The queue that holds the run counts in the ledger of the
    /// hub.
    pub ledger: Arc<Ledger>,
    /// The events came through the queue group with this name, if there is a name.
    pub group: Option<Arc<str>>,
    /// The first event has this number.
    pub first: u64,
    /// The run has this many events.
    pub count: u32,
    /// This overflow policy applies to the events when the queue is full.
    pub overflow: Overflow,
    /// The events are given to a handler for the time with this number. It is 1 at first.
    pub attempt: u32,
    /// If this is true, the windows of the subscriptions have room for the run. The run is sent at
    /// once then: no policy drops it, and it counts as pending until the listeners have finished it.
    pub credited: bool,
    /// The events come from here.
    pub source: Arc<RunSource>,
    /// The hub accepted the events at this time, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// These are the EVENT frames of the run. They keep their whole allocation in memory, so the
    /// allocation should hold little else.
    pub events: Bytes,
    /// These are the EVENT frames of all views. They are there where clients with other roles may
    /// get the events: in the history, and in a queue group, whose members may take over events of
    /// one another.
    pub views: Option<Arc<RunViews>>,
    /// These are digests of the keys of the events, for a subscriber that keeps the newest event of each
    /// key. Without them, the keys are read from the frames.
    pub keys: Option<Arc<RunKeys>>,
}

impl QueuedRun {
    /// Returns the number of the last event.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.first + u64::from(self.count) - 1
    }

    /// Returns for how many bytes the run counts towards the bound of a queue.
    #[must_use]
    pub fn size(&self) -> usize {
        let views = self.views.as_ref().map_or(0, |views| views.size());
        ITEM_OVERHEAD + self.events.len() + views
    }

    /// Returns the run for these subscriptions. Both runs share the frames.
    pub(super) fn with_subscriptions(&self, subscriptions: SubscriptionIds) -> Self {
        QueuedRun { stream: self.stream.with_subscriptions(subscriptions), ..self.clone() }
    }

    /// Returns the run as one that the windows of its subscriptions have room for. It has the policy
    /// that drops nothing: its subscriptions count the events as sent.
    pub(super) fn credited(self) -> Self {
        QueuedRun { credited: true, overflow: Overflow::Block, ..self }
    }

    /// Returns how many deliveries the run makes: each event once for each subscription. A run that
    /// is not given to a subscription yet makes one delivery of each event.
    pub(super) fn deliveries(&self) -> u64 {
        u64::from(self.count) * self.stream.subscriptions.as_slice().len().max(1) as u64
    }

    /// Returns how many of the first events have at most `bytes` bytes together.
    pub(super) fn events_within(&self, bytes: usize) -> u32 {
        frame_ends(&self.events).take_while(|end| *end <= bytes).count() as u32
    }

    /// Divides the run into its first `count` events and the rest. Both parts share the frames.
    pub(super) fn split_at(&self, count: u32) -> (Self, Self) {
        let at = match count {
            0 => 0,
            _ => frame_ends(&self.events).nth(count as usize - 1).unwrap_or(self.events.len()),
        };
        let views = |from: u32, count: u32| {
            self.views.as_ref().map(|views| Arc::new(views.part(from as usize, count as usize)))
        };
        let rest = self.count - count;
        let front = QueuedRun {
            count,
            events: self.events.slice(..at),
            views: views(0, count),
            ..self.clone()
        };
        let rest = QueuedRun {
            first: self.first + u64::from(count),
            count: rest,
            events: self.events.slice(at..),
            views: views(count, rest),
            ..self.clone()
        };
        (front, rest)
    }

    /// Returns the key of the entries that must keep their order with this run.
    pub(super) fn ordering_key(&self) -> OrderingKey {
        OrderingKey::of(&self.stream, self.group.is_some())
    }

    /// Returns the run of `count` events from number `first` on, in an allocation of its own.
    /// `frames` are the EVENT frames of these events.
    pub(super) fn part(&self, first: u64, count: u32, frames: &[u8]) -> Self {
        let index = (first - self.first) as usize;
        let views = self.views.as_ref().map(|views| Arc::new(views.part(index, count as usize)));
        let events = Bytes::copy_from_slice(frames);
        QueuedRun { first, count, events, views, ..self.clone() }
    }

    /// Returns the run in an allocation of its own.
    pub(super) fn in_own_memory(&self, held: &Arc<HeldBytes>) -> Self {
        let views = self.views.as_ref().map(|views| Arc::new(views.part(0, self.count as usize)));
        QueuedRun { events: held.hold(self.events.to_vec()), views, ..self.clone() }
    }

    /// Returns a run with only the events from number `first` to number `last`.
    pub(super) fn cut(&self, first: u64, last: u64) -> Self {
        let ends: Vec<usize> = std::iter::once(0).chain(frame_ends(&self.events)).collect();
        let index = |number: u64| (number - self.first) as usize;
        let frames = &self.events[ends[index(first)]..ends[index(last) + 1]];
        self.part(first, (last - first + 1) as u32, frames)
    }

    /// Returns a run of the same events for one subscription, in the view of a role. Both runs share
    /// the frames.
    pub(super) fn shared_with(&self, subscription: u64, role: &str) -> Self {
        let subscriptions = SubscriptionIds::one(subscription);
        let stream = DeliveryStream { subscriptions, ..self.stream.clone() };
        let events =
            self.views.as_ref().map_or_else(|| self.events.clone(), |v| v.events_for(role));
        QueuedRun { stream, events, views: None, ..self.clone() }
    }

    /// Appends the RUN frame of the run to `out`.
    pub(super) fn write_head(&self, out: &mut Vec<u8>) {
        let subscriptions = &self.stream.subscriptions;
        let head = &self.source.head;
        head.write(out, self.first, self.count, self.time_ms, subscriptions, self.attempt);
    }
}

/// Counts the events of runs that no subscriber gets any more, in the ledger of the hub and in those
/// of their topics.
pub(super) fn count_disconnected<'a>(runs: impl IntoIterator<Item = &'a QueuedRun>, hub: &Ledger) {
    for run in runs.into_iter().filter(|run| !run.credited) {
        count(&hub.disconnected, run.deliveries());
        count(&run.ledger.disconnected, run.deliveries());
    }
}
