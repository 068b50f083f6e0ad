//! What waits in a connection's delivery queue: runs, gaps and control frames.
//!
//! All three are in one order. Otherwise an answer could overtake the events that it is about.

use super::delivery_stream::Track;
use super::pending_gap::{Origin, Span};
use super::queued_run::{ITEM_OVERHEAD, QueuedRun};
use bytes::Bytes;
use hub_wire::TopicName;

/// One entry of a delivery queue.
#[derive(Debug)]
pub(super) enum Item {
    Run(QueuedRun),
    /// Told when it is sent; until then it can grow.
    Gap(Span),
    /// A frame of the connection's own; with a topic, it has its place in that one's order.
    Control(Bytes, Option<TopicName>),
}

impl Item {
    pub(super) fn size(&self) -> usize {
        match self {
            Item::Run(run) => run.size(),
            Item::Gap(span) => span.size(),
            Item::Control(frame, _) => ITEM_OVERHEAD + frame.len(),
        }
    }

    /// What of it counts as caused by the connection's own client.
    pub(super) fn control_size(&self) -> usize {
        match self {
            Item::Run(_) => 0,
            Item::Gap(span) if span.origin != Origin::Past => 0,
            Item::Gap(_) | Item::Control(..) => self.size(),
        }
    }

    pub(super) fn track(&self) -> Option<Track> {
        match self {
            Item::Run(run) => Some(run.track()),
            Item::Gap(span) => Some(span.track()),
            Item::Control(_, topic) => topic.clone().map(Track::of_topic),
        }
    }

    pub(super) fn run(&self) -> Option<&QueuedRun> {
        if let Item::Run(run) = self { Some(run) } else { None }
    }

    /// How many events it holds.
    pub(super) fn events(&self) -> u64 {
        self.run().map_or(0, |run| run.count.into())
    }
}
