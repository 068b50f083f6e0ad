//! Describes a gap that waits in a delivery queue and is not encoded yet.
//!
//! A gap can grow while it waits. Otherwise a connection that stops reading for a day would hold
//! a frame for each run that it missed.

use super::delivery_stream::{DeliveryStream, OrderingKey};
use super::queued_run::{ITEM_OVERHEAD, QueuedRun};
use bytes::Bytes;
use hub_wire::{Frame, Gap, GapReason};

/// Names the missing events of a stream by their numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PendingGap {
    /// The events are missing in this stream.
    pub stream: DeliveryStream,
    /// The first missing event has this number.
    pub from: u64,
    /// The last missing event has this number. `None` states that the number cannot be known.
    pub to: Option<u64>,
    /// The events are missing for this reason.
    pub reason: GapReason,
    /// The origin decides with which later gaps this gap can be joined.
    pub origin: GapOrigin,
}

/// States where a gap comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GapOrigin {
    /// The events were dropped from a stream to which every number is due.
    EveryNumber,
    /// The events were dropped from the share of a member of a queue group. Such a share has holes
    /// anyway.
    GroupShare,
    /// The client asked for a replay, and the history no longer has these events.
    Replay,
    /// The gap was sent for a subscription whose client counts its gaps.
    Sent,
}

impl PendingGap {
    /// Returns the gap for all events of a run.
    pub(super) fn of(run: &QueuedRun, reason: GapReason) -> Self {
        PendingGap::within(run, run.first, run.count, reason)
    }

    /// Returns the gap for `count` events of a run, from event number `first` on.
    pub(super) fn within(run: &QueuedRun, first: u64, count: u32, reason: GapReason) -> Self {
        let origin =
            if run.group.is_some() { GapOrigin::GroupShare } else { GapOrigin::EveryNumber };
        let to = Some(first + u64::from(count) - 1);
        PendingGap { stream: run.stream.clone(), from: first, to, reason, origin }
    }

    /// Extends this gap by a later gap, if no event between the two was due to the stream. Returns
    /// whether the gap was extended.
    ///
    /// A member of a queue group gets only some of the numbers. Its gaps are joined across the
    /// numbers that went to other members: otherwise a member that stopped reading would collect a
    /// gap for every event that it misses.
    pub(super) fn extend(&mut self, next: &PendingGap) -> bool {
        let (Some(to), Some(next_to)) = (self.to, next.to) else { return false };
        let follows = match self.origin {
            GapOrigin::EveryNumber => to + 1 == next.from,
            // Runs that another member left behind can have smaller numbers.
            GapOrigin::GroupShare => to < next.from,
            GapOrigin::Replay | GapOrigin::Sent => false,
        };
        let extends = follows && self.origin == next.origin && self.stream == next.stream;
        if extends {
            self.to = Some(next_to);
            if self.reason != next.reason {
                self.reason = GapReason::Overflow;
            }
        }
        extends
    }

    /// Returns whether later gaps can still be joined with this gap.
    pub(super) fn may_grow(&self) -> bool {
        matches!(self.origin, GapOrigin::EveryNumber | GapOrigin::GroupShare)
    }

    /// Returns the key of the entries that must keep their order with this gap.
    pub(super) fn ordering_key(&self) -> OrderingKey {
        OrderingKey::of(&self.stream, self.origin == GapOrigin::GroupShare)
    }

    /// Returns for how many bytes the gap counts towards the bound of its queue.
    pub(super) fn size(&self) -> usize {
        ITEM_OVERHEAD + self.stream.topic.as_str().len()
    }

    /// Returns the GAP frame.
    pub(super) fn frame(&self) -> Bytes {
        let gap = Gap {
            topic: self.stream.topic.as_str().to_owned(),
            epoch: self.stream.epoch,
            from: self.from,
            to: self.to,
            reason: self.reason,
            subscriptions: self.stream.subscriptions.clone(),
        };
        Frame::Gap(gap).to_bytes().into()
    }
}
