//! What waits in a connection's delivery queue.

use super::ledger::Ledger;
use super::span::{Origin, Span};
use super::views::Views;
use bytes::Bytes;
use hub_wire::{Frame, Limits, Overflow, RunHead, TopicName};
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

/// What has to stay in order among itself.
///
/// All that a connection gets of a topic for its plain subscriptions is one track: what one of
/// them asked for of the past (a lane with its id) has to stay in front of what all of them get.
/// The share of a group's member is another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Track {
    topic: TopicName,
    member: Option<u64>,
}

impl Track {
    pub(super) fn of(lane: &Lane, share: bool) -> Self {
        Track { topic: lane.topic.clone(), member: lane.subscription.filter(|_| share) }
    }

    /// Whether it is that of a group's member.
    pub(super) fn is_share(&self) -> bool {
        self.member.is_some()
    }
}

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
            Item::Control(_, topic) => topic.clone().map(|topic| Track { topic, member: None }),
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
