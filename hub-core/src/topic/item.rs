//! What waits in a connection's delivery queue.

use super::TopicName;
use crate::wire::{Frame, Gap, GapReason, Limits, Overflow, RunHead};
use bytes::Bytes;
use std::sync::Arc;

/// Whose events these are: a topic's, for one subscription or for all plain ones.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lane {
    /// The topic.
    pub topic: TopicName,
    /// Its epoch.
    pub epoch: u64,
    /// The one subscription the events are for.
    pub subscription: Option<u64>,
}

/// Events with neighbouring numbers, ready to send.
#[derive(Debug, Clone)]
pub struct QueuedRun {
    /// Whose they are.
    pub lane: Lane,
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
    /// The frames.
    pub body: Bytes,
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
        ITEM_OVERHEAD + self.head.len() + self.body.len()
    }

    /// The EVENT frames, without a RUN frame in front of them.
    pub(super) fn events(&self) -> Bytes {
        if self.head.is_empty() {
            self.body.slice(frame_len(&self.body)..)
        } else {
            self.body.clone()
        }
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
        let front = if self.head.is_empty() { &self.body } else { &self.head };
        let (publisher, time_ms) = match Frame::parse(&front[4..frame_len(front)], &Limits::NONE) {
            Ok(Frame::Run(run)) => (run.publisher, run.time_ms),
            _ => ("", 0), // a run always starts with the RUN frame that this crate wrote
        };
        let head = RunHead::new(self.lane.topic.as_str(), self.lane.epoch, publisher);
        let mut body = match subscription {
            None => head.for_all(first, count, time_ms),
            Some(id) => head.for_subscription(id, first, count, time_ms),
        };
        body.extend_from_slice(frames);
        let lane = Lane { subscription, ..self.lane.clone() };
        QueuedRun { lane, first, count, head: Bytes::new(), body: body.into(), ..self.clone() }
    }
}

/// The length of the first frame of `bytes`, which are whole frames.
pub(super) fn frame_len(bytes: &[u8]) -> usize {
    bytes.first_chunk::<4>().map_or(0, |length| 4 + u32::from_be_bytes(*length) as usize)
}

/// The ends of the frames of which `bytes` consist.
pub(super) fn frame_ends(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let mut end = 0;
    std::iter::from_fn(move || {
        let more = end < bytes.len();
        more.then(|| {
            end += frame_len(&bytes[end..]);
            end
        })
    })
}

/// What an item takes up beside its bytes: the item itself and its allocation's bookkeeping.
pub(super) const ITEM_OVERHEAD: usize = 256;

/// Numbers that a lane misses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub from: u64,
    /// `None`: it cannot be known how many.
    pub to: Option<u64>,
    pub reason: GapReason,
}

impl Span {
    pub(super) fn of(run: &QueuedRun, reason: GapReason) -> Self {
        Span { from: run.first, to: Some(run.last()), reason }
    }

    /// Takes in a later span, if there is nothing between the two that the lane was due.
    ///
    /// Members of a group get every n-th event. Their spans are joined over what went to others:
    /// otherwise a member that stopped reading would collect a gap for every event it misses.
    pub(super) fn extend(&mut self, next: &Span, group: bool) -> bool {
        let follows = self.to.is_some_and(|to| group || to + 1 == next.from);
        if follows {
            self.to = next.to;
            if self.reason != next.reason {
                self.reason = GapReason::Overflow;
            }
        }
        follows
    }

    pub(super) fn frame(&self, lane: &Lane) -> Bytes {
        let gap = Gap {
            topic: lane.topic.as_str().to_owned(),
            epoch: lane.epoch,
            from: self.from,
            to: self.to,
            reason: self.reason,
            subscription: lane.subscription,
        };
        Frame::Gap(gap).to_bytes().into()
    }
}

/// What a gap counts for in the queue's bound.
pub(super) fn gap_size(lane: &Lane) -> usize {
    ITEM_OVERHEAD + lane.topic.as_str().len()
}

#[derive(Debug)]
pub(super) enum Item {
    Run(QueuedRun),
    Gap(Lane, Span),
    Control(Bytes),
}

impl Item {
    pub(super) fn size(&self) -> usize {
        match self {
            Item::Run(run) => run.size(),
            Item::Gap(lane, _) => gap_size(lane),
            Item::Control(bytes) => ITEM_OVERHEAD + bytes.len(),
        }
    }

    pub(super) fn lane(&self) -> Option<&Lane> {
        match self {
            Item::Run(run) => Some(&run.lane),
            Item::Gap(lane, _) => Some(lane),
            Item::Control(_) => None,
        }
    }
}
