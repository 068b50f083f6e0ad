//! Defines the entries of a delivery queue: runs, gaps and control frames.
//!
//! All three kinds wait in one order. Otherwise an answer could overtake the events that it is about.

use super::delivery_stream::OrderingKey;
use super::pending_gap::{GapOrigin, PendingGap};
use super::queued_run::{ITEM_OVERHEAD, QueuedRun};
use bytes::Bytes;
use hub_wire::TopicName;

/// Holds one entry of a delivery queue.
#[derive(Debug)]
pub(super) enum QueueItem {
    /// The entry is a numbered run.
    Run(QueuedRun),
    /// The entry is a gap, which is encoded when it is sent. Until then it can grow.
    Gap(PendingGap),
    /// The entry is a control frame. If it names a topic, it must keep its place among the events
    /// of that topic.
    Control(Bytes, Option<TopicName>),
}

impl QueueItem {
    /// Returns for how many bytes the entry counts towards the bound of the queue.
    pub(super) fn size(&self) -> usize {
        match self {
            QueueItem::Run(run) => run.size(),
            QueueItem::Gap(gap) => gap.size(),
            QueueItem::Control(frame, _) => ITEM_OVERHEAD + frame.len(),
        }
    }

    /// Returns how many bytes of the entry count as caused by the client of the connection itself.
    pub(super) fn control_size(&self) -> usize {
        match self {
            QueueItem::Run(_) => 0,
            QueueItem::Gap(gap) if gap.origin != GapOrigin::Replay => 0,
            QueueItem::Gap(_) | QueueItem::Control(..) => self.size(),
        }
    }

    /// Returns the key of the entries that must keep their order with this entry. A control frame
    /// without a topic has no key.
    pub(super) fn ordering_key(&self) -> Option<OrderingKey> {
        match self {
            QueueItem::Run(run) => Some(run.ordering_key()),
            QueueItem::Gap(gap) => Some(gap.ordering_key()),
            QueueItem::Control(_, topic) => topic.clone().map(OrderingKey::of_topic),
        }
    }

    /// Returns the run, if the entry is a run.
    pub(super) fn run(&self) -> Option<&QueuedRun> {
        if let QueueItem::Run(run) = self { Some(run) } else { None }
    }

    /// Returns how many events the entry holds.
    pub(super) fn events(&self) -> u64 {
        self.run().map_or(0, |run| run.count.into())
    }
}
