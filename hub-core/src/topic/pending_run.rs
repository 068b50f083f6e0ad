//! Gathers events of one topic into a run, before the events are numbered.
//!
//! A session copies the events into the run before it takes the sequencer lock. Otherwise the
//! publishers of a topic would wait while another publisher copies.

use super::held_bytes::HeldBytes;
use super::ledger::Ledger;
use super::room::RoomFor;
use super::run_source::RunSource;
use super::run_views::{RunViews, ViewResolver};
use super::subscriber_connection::SubscriberConnection;
use bytes::Bytes;
use std::sync::Arc;

/// Holds events of one topic from one connection that are gathered and not numbered yet.
#[derive(Debug)]
pub struct PendingRun {
    source: Arc<RunSource>,
    /// These bytes are the EVENT frames of the first view.
    bytes: Vec<u8>,
    /// These are the EVENT frames of the other views. The field is `None` as long as all views are
    /// equal.
    others: Option<OtherViews>,
    count: u32,
    request: bool,
    /// The publisher has published about this many bytes in the last second.
    lately: usize,
}

/// Holds the EVENT frames of all views but the first.
#[derive(Debug)]
struct OtherViews {
    resolver: Arc<dyn ViewResolver>,
    events: Vec<Vec<u8>>,
}

impl PendingRun {
    /// Returns an empty run with room for about `capacity` bytes of frames.
    #[must_use]
    pub fn new(source: Arc<RunSource>, capacity: usize) -> Self {
        let bytes = Vec::with_capacity(capacity);
        let (count, request, lately) = (0, false, usize::MAX);
        PendingRun { source, bytes, others: None, count, request, lately }
    }

    /// Marks the events of the run as requests. The topic refuses them if it has no subscriber.
    #[must_use]
    pub fn as_request(mut self) -> Self {
        self.request = true;
        self
    }

    /// Appends `count` EVENT frames that are equal in every view.
    pub fn push(&mut self, frames: &[u8], count: u32) {
        self.bytes.extend_from_slice(frames);
        for events in self.others.iter_mut().flat_map(|others| &mut others.events) {
            events.extend_from_slice(frames);
        }
        self.count += count;
    }

    /// Appends one EVENT frame that differs from view to view. `frame` returns the frame of a view.
    ///
    /// All calls for one run pass the same `resolver`.
    pub fn push_views<'a>(
        &mut self,
        resolver: &Arc<dyn ViewResolver>,
        frame: impl Fn(usize) -> &'a [u8],
    ) {
        let Self { bytes, others, .. } = self;
        let others = others.get_or_insert_with(|| OtherViews {
            resolver: resolver.clone(),
            events: vec![bytes.clone(); resolver.views() - 1],
        });
        bytes.extend_from_slice(frame(0));
        for (view, events) in others.events.iter_mut().enumerate() {
            events.extend_from_slice(frame(view + 1));
        }
        self.count += 1;
    }

    /// Returns the EVENT frames of the run, as the first view has them. A published run has none.
    #[must_use]
    pub fn frames(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns how many events the run has.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Returns whether the events of the run are requests.
    #[must_use]
    pub fn is_request(&self) -> bool {
        self.request
    }

    /// Returns how many bytes the run takes at most in the queue of a plain member.
    #[must_use]
    pub fn size(&self) -> usize {
        let others = self.others.iter().flat_map(|others| &others.events);
        others.map(Vec::len).fold(self.bytes.len(), usize::max)
    }

    /// States how many bytes the publisher has published in about the last second. A run for which this is
    /// not stated counts as one of a publisher that has published much.
    pub fn published_lately(&mut self, bytes: usize) {
        self.lately = bytes;
    }

    /// Returns for how much room the publisher of the run asks.
    #[must_use]
    pub fn room(&self) -> RoomFor {
        let size = self.size();
        RoomFor { size, lately: self.lately.saturating_add(size) }
    }

    /// Releases memory that the run does not need. Queues and the history keep the allocation of a
    /// run, and count only the bytes that are used.
    pub(super) fn fit(&mut self) {
        let others = self.others.iter_mut().flat_map(|others| &mut others.events);
        for bytes in others.chain([&mut self.bytes]) {
            if bytes.capacity() - bytes.len() > bytes.len() / 8 {
                bytes.shrink_to_fit();
            }
        }
    }

    /// Numbers the events, from number `first` on, and returns the numbered run. The content moves out
    /// of this run.
    pub(super) fn number(
        &mut self,
        first: u64,
        time_ms: u64,
        held: &Arc<HeldBytes>,
        ledger: &Arc<Ledger>,
    ) -> NumberedRun {
        let first_view = held.hold(std::mem::take(&mut self.bytes));
        let views = self.others.take().map(|others| {
            let events = others.events.into_iter().map(|events| held.hold(events));
            let events = std::iter::once(first_view.clone()).chain(events).collect();
            Arc::new(RunViews { resolver: others.resolver, events })
        });
        let (source, count, events) = (self.source.clone(), self.count, first_view);
        NumberedRun { events, source, first, count, time_ms, views, ledger: ledger.clone() }
    }

    /// Replaces the source of the run, because the topic began anew after the run was gathered.
    #[must_use]
    pub fn retarget(self, source: Arc<RunSource>) -> Self {
        PendingRun { source, ..self }
    }
}

/// Holds a run whose events have their numbers.
#[derive(Debug)]
pub(super) struct NumberedRun {
    /// These are the EVENT frames of the first view.
    pub events: Bytes,
    /// The events come from here.
    pub source: Arc<RunSource>,
    /// The first event has this number.
    pub first: u64,
    /// The run has this many events.
    pub count: u32,
    /// The hub accepted the events at this time, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// These are the EVENT frames of all views, if the views differ.
    pub views: Option<Arc<RunViews>>,
    /// This is the ledger of the topic.
    pub ledger: Arc<Ledger>,
}

/// States the result of publishing a run.
///
/// With every result but [`PublishResult::Done`], the run is unchanged and no queue has it.
#[derive(Debug)]
pub enum PublishResult {
    /// The run is numbered, and the queue of every member has it or a GAP in its place.
    Done,
    /// The queue of this connection has no room, and the publisher has to wait for it.
    Wait(Arc<dyn SubscriberConnection>),
    /// The run consists of requests, and the topic has no subscriber.
    NobodyThere,
    /// The topic was idle and has ended. The publisher has to get a new topic from the registry.
    Retired,
}
