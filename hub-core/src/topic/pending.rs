use super::held::HeldBytes;
use super::ledger::Ledger;
use super::views::{Roles, Views};
use bytes::Bytes;
use hub_wire::RunHead;
use std::sync::Arc;

/// Events of one topic from one connection, gathered but not numbered yet.
#[derive(Debug)]
pub struct PendingRun {
    head: Arc<RunHead>,
    /// RUN and EVENT frames.
    bytes: Vec<u8>,
    /// The EVENT frames in the views after the first, once one of them differs.
    others: Option<Others>,
    count: u32,
    request: bool,
}

#[derive(Debug)]
struct Others {
    roles: Arc<dyn Roles>,
    events: Vec<Vec<u8>>,
}

impl PendingRun {
    /// An empty run with room for about `capacity` bytes of frames.
    #[must_use]
    pub fn new(head: Arc<RunHead>, capacity: usize) -> Self {
        let mut bytes = Vec::with_capacity(head.template().len() + capacity);
        bytes.extend_from_slice(head.template());
        PendingRun { head, bytes, others: None, count: 0, request: false }
    }

    /// Makes it a run of requests, which are refused if nobody is there.
    #[must_use]
    pub fn as_request(mut self) -> Self {
        self.request = true;
        self
    }

    /// Appends `count` EVENT frames that are the same in every view.
    pub fn push(&mut self, frames: &[u8], count: u32) {
        self.bytes.extend_from_slice(frames);
        for events in self.others.iter_mut().flat_map(|others| &mut others.events) {
            events.extend_from_slice(frames);
        }
        self.count += count;
    }

    /// Appends one EVENT frame that differs from view to view. All that differ in one run are
    /// under the same `roles`.
    pub fn push_views<'a>(&mut self, roles: &Arc<dyn Roles>, frame: impl Fn(usize) -> &'a [u8]) {
        let Self { head, bytes, others, .. } = self;
        let others = others.get_or_insert_with(|| {
            let before = &bytes[head.template().len()..];
            Others { roles: roles.clone(), events: vec![before.to_vec(); roles.views() - 1] }
        });
        bytes.extend_from_slice(frame(0));
        for (view, events) in others.events.iter_mut().enumerate() {
            events.extend_from_slice(frame(view + 1));
        }
        self.count += 1;
    }

    /// How many events it has.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Whether its events are requests.
    #[must_use]
    pub fn is_request(&self) -> bool {
        self.request
    }

    /// What it takes up in a member's queue, at most.
    #[must_use]
    pub fn size(&self) -> usize {
        let head = self.head.template().len();
        let others = self.others.iter().flat_map(|others| &others.events);
        others.map(|events| head + events.len()).fold(self.bytes.len(), usize::max)
    }

    /// Gives back memory that it does not need: queues and the history keep the bytes, and
    /// count only those that are used.
    pub(super) fn fit(&mut self) {
        let others = self.others.iter_mut().flat_map(|others| &mut others.events);
        for bytes in others.chain([&mut self.bytes]) {
            if bytes.capacity() - bytes.len() > bytes.len() / 8 {
                bytes.shrink_to_fit();
            }
        }
    }

    /// Numbers the events.
    pub(super) fn seal(
        &mut self,
        first: u64,
        time_ms: u64,
        held: &Arc<HeldBytes>,
        ledger: &Arc<Ledger>,
    ) -> Sealed {
        let mut bytes = std::mem::take(&mut self.bytes);
        self.head.stamp(&mut bytes, first, self.count, time_ms);
        let head_len = self.head.template().len();
        let bytes = held.hold(bytes);
        let views = self.others.take().map(|others| {
            let events = others.events.into_iter().map(|events| held.hold(events));
            let events = std::iter::once(bytes.slice(head_len..)).chain(events).collect();
            Arc::new(Views { roles: others.roles, events })
        });
        let (head, count) = (self.head.clone(), self.count);
        Sealed { bytes, head_len, head, first, count, time_ms, views, ledger: ledger.clone() }
    }

    /// Puts another head in front, for a topic that began anew in the meantime.
    #[must_use]
    pub fn retarget(self, head: Arc<RunHead>) -> Self {
        let frames = &self.bytes[self.head.template().len()..];
        let mut run = PendingRun::new(head, frames.len());
        run.bytes.extend_from_slice(frames);
        PendingRun { others: self.others, count: self.count, request: self.request, ..run }
    }
}

/// A numbered run.
#[derive(Debug)]
pub(super) struct Sealed {
    /// RUN and EVENT frames, in the first view.
    pub bytes: Bytes,
    pub head_len: usize,
    pub head: Arc<RunHead>,
    pub first: u64,
    pub count: u32,
    pub time_ms: u64,
    /// All views, if they differ.
    pub views: Option<Arc<Views>>,
    /// The topic's.
    pub ledger: Arc<Ledger>,
}

impl Sealed {
    /// The RUN frame.
    pub(super) fn front(&self) -> Bytes {
        // A slice would keep the first view's events in memory.
        Bytes::copy_from_slice(&self.bytes[..self.head_len])
    }

    /// The EVENT frames in the first view.
    pub(super) fn events(&self) -> Bytes {
        self.bytes.slice(self.head_len..)
    }
}

/// What became of a run.
#[derive(Debug)]
pub enum Published {
    /// It is numbered and in the queues of all who are due it.
    Done,
    /// Nothing happened: this connection's queue has no room, and publishers are to wait for it.
    Wait(Arc<dyn super::Outlet>),
    /// Nothing happened: it is a request, and the topic has no subscriber.
    NobodyThere,
    /// Nothing happened: the topic was idle and has ended; ask the registry for a new one.
    Retired,
}
