//! Holds a numbered run for delivery queues and the history, and cuts it into parts.
//!
//! All queues and the history share the bytes of a run. Without this sharing, each subscriber would
//! cost a copy of every event.

use super::delivery_stream::{DeliveryStream, OrderingKey};
use super::frames::{frame_ends, frame_len};
use super::ledger::Ledger;
use super::run_views::RunViews;
use bytes::Bytes;
use hub_wire::{Frame, Limits, Overflow, RunHead};
use std::sync::Arc;

/// Each entry of a queue counts for this many bytes beside its frames. They stand for the entry
/// itself and the bookkeeping of its allocation.
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
    /// This is the RUN frame for this delivery. It is empty if `body` starts with a RUN frame.
    pub head: Bytes,
    /// These are the frames of the run. They keep their whole allocation in memory, so the
    /// allocation should hold little else.
    pub body: Bytes,
    /// These are the EVENT frames of all views. They are there where clients with other roles may
    /// get the events: in the history, and in a queue group, whose members may take over events of
    /// one another.
    pub views: Option<Arc<RunViews>>,
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
        ITEM_OVERHEAD + self.head.len() + self.body.len() + views
    }

    /// Returns the key of the entries that must keep their order with this run.
    pub(super) fn ordering_key(&self) -> OrderingKey {
        OrderingKey::of(&self.stream, self.group.is_some())
    }

    /// Returns a shared handle of the EVENT frames, without the RUN frame in front of them.
    pub(super) fn events(&self) -> Bytes {
        self.body.slice(self.events_start()..)
    }

    /// Returns the EVENT frames, without the RUN frame in front of them, as a slice that is not
    /// shared.
    pub(super) fn event_frames(&self) -> &[u8] {
        &self.body[self.events_start()..]
    }

    /// Returns the offset of the first EVENT frame in `body`.
    fn events_start(&self) -> usize {
        if self.head.is_empty() { frame_len(&self.body) } else { 0 }
    }

    /// Returns the run of `count` events from number `first` on, in an allocation of its own, for
    /// `subscription`. `frames` are the EVENT frames of these events.
    pub(super) fn part(
        &self,
        subscription: Option<u64>,
        first: u64,
        count: u32,
        frames: &[u8],
    ) -> Self {
        let mut body = self.head_for(subscription, first, count);
        body.extend_from_slice(frames);
        body.shrink_to_fit();
        let stream = DeliveryStream { subscription, ..self.stream.clone() };
        let index = (first - self.first) as usize;
        let views = self.views.as_ref().map(|views| Arc::new(views.part(index, count as usize)));
        let head = Bytes::new();
        QueuedRun { stream, first, count, head, body: body.into(), views, ..self.clone() }
    }

    /// Returns a run with only the events from number `first` to number `last`.
    pub(super) fn cut(&self, first: u64, last: u64) -> Self {
        let events = self.event_frames();
        let ends: Vec<usize> = std::iter::once(0).chain(frame_ends(events)).collect();
        let index = |number: u64| (number - self.first) as usize;
        let frames = &events[ends[index(first)]..ends[index(last) + 1]];
        self.part(None, first, (last - first + 1) as u32, frames)
    }

    /// Returns a run of the same events for one subscription, in the view of a role. Both runs share
    /// the frames.
    pub(super) fn shared_with(&self, subscription: u64, role: &str) -> Self {
        let head = self.head_for(Some(subscription), self.first, self.count).into();
        let stream = DeliveryStream { subscription: Some(subscription), ..self.stream.clone() };
        let body = self.views.as_ref().map_or_else(|| self.events(), |v| v.events_for(role));
        QueuedRun { stream, head, body, views: None, ..self.clone() }
    }

    /// Returns a RUN frame for `count` of the events, from number `first` on.
    pub(super) fn head_for(&self, subscription: Option<u64>, first: u64, count: u32) -> Vec<u8> {
        let front = if self.head.is_empty() { &self.body } else { &self.head };
        let (publisher, time_ms) = match Frame::parse(&front[4..frame_len(front)], &Limits::NONE) {
            Ok(Frame::Run(run)) => (run.publisher, run.time_ms),
            _ => ("", 0), // unreachable: a run starts with a RUN frame that this crate wrote
        };
        let head = RunHead::new(self.stream.topic.as_str(), self.stream.epoch, publisher);
        match subscription {
            None => head.for_all(first, count, time_ms),
            Some(id) => head.for_subscription(id, first, count, time_ms),
        }
    }
}
