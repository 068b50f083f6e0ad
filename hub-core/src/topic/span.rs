use super::item::{ITEM_OVERHEAD, Lane, QueuedRun, Track};
use bytes::Bytes;
use hub_wire::{Frame, Gap, GapReason};

/// Numbers that a lane misses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub lane: Lane,
    pub from: u64,
    /// `None`: it cannot be known how many.
    pub to: Option<u64>,
    pub reason: GapReason,
    pub origin: Origin,
}

/// Where a span comes from, and so with what it can be told as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// Dropped from a lane that is due every number.
    Every,
    /// Dropped from a group member's share, which has holes anyway.
    Share,
    /// From before the subscription's start; the client asked for it.
    Past,
}

impl Span {
    pub(super) fn of(run: &QueuedRun, reason: GapReason) -> Self {
        Span::within(run, run.first, run.count, reason)
    }

    /// `count` events of a run, from number `first` on.
    pub(super) fn within(run: &QueuedRun, first: u64, count: u32, reason: GapReason) -> Self {
        let origin = if run.group.is_some() { Origin::Share } else { Origin::Every };
        let to = Some(first + u64::from(count) - 1);
        Span { lane: run.lane.clone(), from: first, to, reason, origin }
    }

    /// Takes in a later span, if there is nothing between the two that the lane was due.
    ///
    /// Members of a group get every n-th event. Their spans are joined over what went to others:
    /// otherwise a member that stopped reading would collect a gap for every event it misses.
    pub(super) fn extend(&mut self, next: &Span) -> bool {
        let (Some(to), Some(next_to)) = (self.to, next.to) else { return false };
        let follows = match self.origin {
            Origin::Every => to + 1 == next.from,
            // What another member left behind can have smaller numbers.
            Origin::Share => to < next.from,
            Origin::Past => false,
        };
        let extends = follows && self.origin == next.origin && self.lane == next.lane;
        if extends {
            self.to = Some(next_to);
            if self.reason != next.reason {
                self.reason = GapReason::Overflow;
            }
        }
        extends
    }

    pub(super) fn track(&self) -> Track {
        Track::of(&self.lane, self.origin == Origin::Share)
    }

    /// What it counts for in the queue's bound.
    pub(super) fn size(&self) -> usize {
        ITEM_OVERHEAD + self.lane.topic.as_str().len()
    }

    pub(super) fn frame(&self) -> Bytes {
        let gap = Gap {
            topic: self.lane.topic.as_str().to_owned(),
            epoch: self.lane.epoch,
            from: self.from,
            to: self.to,
            reason: self.reason,
            subscription: self.lane.subscription,
        };
        Frame::Gap(gap).to_bytes().into()
    }
}
