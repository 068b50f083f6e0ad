//! A numbered run as queues and the history hold it, and its parts.
//!
//! All queues and the history share the bytes of a run. Without it, each subscriber would cost a
//! copy of every event.

use super::delivery_stream::{Lane, Track};
use super::frames::{frame_ends, frame_len};
use super::ledger::Ledger;
use super::views::Views;
use bytes::Bytes;
use hub_wire::{Frame, Limits, Overflow, RunHead};
use std::sync::Arc;

/// What an item takes up beside its bytes: the item itself and its allocation's bookkeeping.
pub(super) const ITEM_OVERHEAD: usize = 256;

/// Events with neighbouring numbers, ready to send.
#[derive(Debug, Clone)]
pub struct QueuedRun {
    /// Whose they are.
    pub lane: Lane,
    /// The topic's. Its queue counts for the hub.
    pub ledger: Arc<Ledger>,
    /// The queue group through which they came.
    pub group: Option<Arc<str>>,
    /// The number of the first.
    pub first: u64,
    /// How many there are.
    pub count: u32,
    /// What may happen to them when the queue is full.
    pub overflow: Overflow,
    /// A RUN frame of this delivery's own, or nothing if `body` starts with one.
    pub head: Bytes,
    /// The frames. They keep their whole allocation in memory, so it should hold little else.
    pub body: Bytes,
    /// The events as others may see them, where others may get them: in the history, and where
    /// the members of a group may take over.
    pub views: Option<Arc<Views>>,
}

impl QueuedRun {
    /// The number of the last event.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.first + u64::from(self.count) - 1
    }

    /// What it counts for in the queue's bound.
    #[must_use]
    pub fn size(&self) -> usize {
        let views = self.views.as_ref().map_or(0, |views| views.size());
        ITEM_OVERHEAD + self.head.len() + self.body.len() + views
    }

    pub(super) fn track(&self) -> Track {
        Track::of(&self.lane, self.group.is_some())
    }

    /// The EVENT frames, without a RUN frame in front of them.
    pub(super) fn events(&self) -> Bytes {
        self.body.slice(self.events_start()..)
    }

    /// The same without counting as a holder of the bytes.
    pub(super) fn event_frames(&self) -> &[u8] {
        &self.body[self.events_start()..]
    }

    fn events_start(&self) -> usize {
        if self.head.is_empty() { frame_len(&self.body) } else { 0 }
    }

    /// The run of `count` events from number `first` on, in an allocation of its own, for
    /// `subscription`. `frames` are its EVENT frames.
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
        let lane = Lane { subscription, ..self.lane.clone() };
        let index = (first - self.first) as usize;
        let views = self.views.as_ref().map(|views| Arc::new(views.part(index, count as usize)));
        let head = Bytes::new();
        QueuedRun { lane, first, count, head, body: body.into(), views, ..self.clone() }
    }

    /// The events with these numbers, as a run of their own.
    pub(super) fn cut(&self, first: u64, last: u64) -> Self {
        let events = self.event_frames();
        let ends: Vec<usize> = std::iter::once(0).chain(frame_ends(events)).collect();
        let index = |number: u64| (number - self.first) as usize;
        let frames = &events[ends[index(first)]..ends[index(last) + 1]];
        self.part(None, first, (last - first + 1) as u32, frames)
    }

    /// The same events for one subscription, as a role may see them; the frames are shared.
    pub(super) fn shared_with(&self, subscription: u64, role: &str) -> Self {
        let head = self.head_for(Some(subscription), self.first, self.count).into();
        let lane = Lane { subscription: Some(subscription), ..self.lane.clone() };
        let body = self.views.as_ref().map_or_else(|| self.events(), |v| v.events_for(role));
        QueuedRun { lane, head, body, views: None, ..self.clone() }
    }

    /// A RUN frame for `count` of the events from number `first` on.
    pub(super) fn head_for(&self, subscription: Option<u64>, first: u64, count: u32) -> Vec<u8> {
        let front = if self.head.is_empty() { &self.body } else { &self.head };
        let (publisher, time_ms) = match Frame::parse(&front[4..frame_len(front)], &Limits::NONE) {
            Ok(Frame::Run(run)) => (run.publisher, run.time_ms),
            _ => ("", 0), // a run always starts with the RUN frame that this crate wrote
        };
        let head = RunHead::new(self.lane.topic.as_str(), self.lane.epoch, publisher);
        match subscription {
            None => head.for_all(first, count, time_ms),
            Some(id) => head.for_subscription(id, first, count, time_ms),
        }
    }
}
