use super::Headers;
use hub_wire::{Overflow, Start};
use std::time::Duration;

/// How many events wait for a subscription at most, unless its options say otherwise.
///
/// The one place from which the memory of queues derives: a subscription holds at most this
/// many events and, beside them, [`MAX_GAPS`] gaps.
pub const DEFAULT_CAPACITY: usize = 1024;

/// How many gaps a subscription holds at most. Neighbouring gaps merge, so this is about the
/// number of topics in which events were dropped; one that misses events in still more ends.
pub const MAX_GAPS: usize = 16 * 1024;

/// How long a request waits for its answer, unless its options say otherwise.
pub const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// How a subscription behaves.
///
/// ```
/// use hub_core::emitter::SubscribeOptions;
/// use hub_wire::Overflow;
///
/// let options = SubscribeOptions::new().group("billing").overflow(Overflow::Block);
/// assert_eq!(options.group.as_deref(), Some("billing"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscribeOptions {
    /// What happens when `capacity` events wait.
    pub overflow: Overflow,
    /// The queue group: each event goes to one of its members.
    pub group: Option<String>,
    /// Where to start.
    pub start: Start,
    /// How many events may wait; at least one.
    pub capacity: usize,
}

impl Default for SubscribeOptions {
    fn default() -> Self {
        SubscribeOptions {
            overflow: Overflow::default(),
            group: None,
            start: Start::default(),
            capacity: DEFAULT_CAPACITY,
        }
    }
}

impl SubscribeOptions {
    /// The defaults: drop the oldest, no group, start now.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what happens when too much waits.
    #[must_use]
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// Joins a queue group.
    #[must_use]
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.group = Some(group.into());
        self
    }

    /// Sets where to start.
    #[must_use]
    pub fn start(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// Sets how many events may wait.
    #[must_use]
    pub fn capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity;
        self
    }
}

/// How requests are answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServeOptions {
    /// The queue group; with one, each request is answered by one of its members.
    pub group: Option<String>,
    /// How many requests are worked on at a time; at least one.
    pub concurrency: usize,
    /// How many more may wait.
    pub capacity: usize,
    /// What happens to those beyond. The default drops the newest: its requester has waited
    /// least.
    pub overflow: Overflow,
}

impl Default for ServeOptions {
    fn default() -> Self {
        ServeOptions {
            group: None,
            concurrency: 1,
            capacity: DEFAULT_CAPACITY,
            overflow: Overflow::DropNewest,
        }
    }
}

impl ServeOptions {
    /// The defaults: no group, one request at a time.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Shares the requests with the other members of this group.
    #[must_use]
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.group = Some(group.into());
        self
    }

    /// Sets how many requests are worked on at a time.
    #[must_use]
    pub fn concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency;
        self
    }
}

/// How one request is made.
#[derive(Debug, Clone)]
pub struct RequestOptions {
    /// How long to wait for the answer.
    pub timeout: Duration,
    /// Headers to send along; `reply`, and `id` if it is not set, are filled in.
    pub headers: Headers,
}

impl Default for RequestOptions {
    fn default() -> Self {
        RequestOptions { timeout: DEFAULT_REQUEST_TIMEOUT, headers: Headers::new() }
    }
}
