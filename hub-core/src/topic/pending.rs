use crate::wire::RunHead;
use bytes::Bytes;
use std::sync::Arc;

/// Events of one topic from one connection, gathered but not numbered yet.
#[derive(Debug)]
pub struct PendingRun {
    head: Arc<RunHead>,
    bytes: Vec<u8>,
    count: u32,
    request: bool,
}

impl PendingRun {
    /// An empty run with room for about `capacity` bytes of frames.
    #[must_use]
    pub fn new(head: Arc<RunHead>, capacity: usize) -> Self {
        let mut bytes = Vec::with_capacity(head.template().len() + capacity);
        bytes.extend_from_slice(head.template());
        PendingRun { head, bytes, count: 0, request: false }
    }

    /// A run of one event that asks for a reply, and is refused if nobody is there.
    #[must_use]
    pub fn request(head: Arc<RunHead>, frame: &[u8]) -> Self {
        let mut run = PendingRun::new(head, frame.len());
        run.push(frame, 1);
        run.request = true;
        run
    }

    /// Appends `count` EVENT frames, as they came.
    pub fn push(&mut self, frames: &[u8], count: u32) {
        self.bytes.extend_from_slice(frames);
        self.count += count;
    }

    /// How many events it has.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Whether it is a request.
    #[must_use]
    pub fn is_request(&self) -> bool {
        self.request
    }

    pub(super) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Gives back memory that it does not need: queues and the history keep the bytes, and
    /// count only those that are used.
    pub(super) fn fit(&mut self) {
        if self.bytes.capacity() - self.bytes.len() > self.bytes.len() / 8 {
            self.bytes.shrink_to_fit();
        }
    }

    /// Numbers the events.
    pub(super) fn seal(&mut self, first: u64, time_ms: u64) -> Sealed {
        let mut bytes = std::mem::take(&mut self.bytes);
        self.head.stamp(&mut bytes, first, self.count, time_ms);
        let head_len = self.head.template().len();
        Sealed {
            bytes: bytes.into(),
            head_len,
            head: self.head.clone(),
            first,
            count: self.count,
            time_ms,
        }
    }

    /// Puts another head in front, for a topic that began anew in the meantime.
    #[must_use]
    pub fn retarget(self, head: Arc<RunHead>) -> Self {
        let frames = &self.bytes[self.head.template().len()..];
        let mut run = PendingRun::new(head, frames.len());
        run.push(frames, self.count);
        run.request = self.request;
        run
    }
}

/// A numbered run.
#[derive(Debug)]
pub(super) struct Sealed {
    /// RUN and EVENT frames.
    pub bytes: Bytes,
    pub head_len: usize,
    pub head: Arc<RunHead>,
    pub first: u64,
    pub count: u32,
    pub time_ms: u64,
}

impl Sealed {
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
