//! Defines the entries of a delivery queue: runs, gaps and control frames.
//!
//! All three kinds wait in one order. Otherwise an answer could overtake the events that it is about.

use super::delivery_stream::{DeliveryStream, OrderingKey};
use super::pending_gap::{GapOrigin, PendingGap};
use super::queued_run::{ITEM_OVERHEAD, QueuedRun};
use bytes::Bytes;
use hub_wire::FrameType;

/// Holds one entry of a delivery queue.
#[derive(Debug, Clone)]
pub(super) enum QueueItem {
    /// The entry is a numbered run.
    Run(QueuedRun),
    /// The entry is a gap, which is encoded when it is sent. Until then it can grow.
    Gap(PendingGap),
    /// The entry is a control frame.
    Control(Bytes),
    /// The entry is a RUN frame without events. It must keep its place among the events of its
    /// stream.
    Position(Bytes, DeliveryStream),
}

impl QueueItem {
    /// Returns for how many bytes the entry counts towards the bound of the queue.
    pub(super) fn size(&self) -> usize {
        match self {
            QueueItem::Run(run) => run.size(),
            QueueItem::Gap(gap) => gap.size(),
            QueueItem::Control(frame) | QueueItem::Position(frame, _) => {
                ITEM_OVERHEAD + frame.len()
            }
        }
    }

    /// Returns how many bytes of the entry count as caused by the client of the connection itself.
    pub(super) fn control_size(&self) -> usize {
        match self {
            QueueItem::Run(_) => 0,
            QueueItem::Gap(gap) if gap.origin != GapOrigin::Replay => 0,
            QueueItem::Gap(_) | QueueItem::Control(_) | QueueItem::Position(..) => self.size(),
        }
    }

    /// Returns the key of the entries that must keep their order with this entry. A control frame
    /// without a topic has no key.
    pub(super) fn ordering_key(&self) -> Option<OrderingKey> {
        match self {
            QueueItem::Run(run) => Some(run.ordering_key()),
            QueueItem::Gap(gap) => Some(gap.ordering_key()),
            QueueItem::Control(_) => None,
            QueueItem::Position(_, stream) => Some(OrderingKey::of(stream, false)),
        }
    }

    /// Returns whether the entry is a frame that says what became of events that the client of the
    /// connection has published.
    pub(super) fn is_about_published_events(&self) -> bool {
        let QueueItem::Control(frame) = self else { return false };
        let kind = frame.get(4..).map(FrameType::of);
        matches!(kind, Some(Ok(FrameType::Receipt | FrameType::Refused)))
    }

    /// Returns the run, if the entry is a run.
    pub(super) fn run(&self) -> Option<&QueuedRun> {
        if let QueueItem::Run(run) = self { Some(run) } else { None }
    }

    /// Returns how many deliveries the entry makes that count as pending because of this entry.
    pub(super) fn deliveries(&self) -> u64 {
        self.run().filter(|run| !run.credited).map_or(0, QueuedRun::deliveries)
    }
}
