//! Defines the options of subscriptions, requests and handlers, with their defaults.
//!
//! All bounds of a listener's memory are set in this module, so that they can be read in one place.

use super::{Acknowledge, Headers};
use hub_wire::{Overflow, Start};
use std::time::Duration;

/// At most this many events may wait for a subscription, unless its options set another number.
///
/// The memory of a subscription derives from this number. The subscription holds at most so many
/// events, and beside them at most [`MAX_GAPS`] gaps.
pub const DEFAULT_CAPACITY: usize = 1024;

/// A subscription may hold at most this many gaps. Neighbouring gaps merge, so this is about the
/// number of topics in which events were dropped. A subscription that misses events in more topics
/// ends.
pub const MAX_GAPS: usize = 16 * 1024;

/// A request waits this long for its reply, unless its options set another time.
pub const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// States the options of a subscription.
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
    /// This policy decides what happens to further events when `capacity` events wait.
    pub overflow: Overflow,
    /// The subscription is a member of this queue group. Each event goes to one member of the
    /// group.
    pub group: Option<String>,
    /// The subscription starts with this event.
    pub start: Start,
    /// If this is true, the subscription only watches: a request that nobody else gets is refused with
    /// `no_subscriber`. A member of a queue group cannot only watch.
    pub observe: bool,
    /// At most this many events may wait. The smallest number is 1, and 0 counts as 1.
    pub capacity: usize,
    /// The subscriber works on this many events at a time. A member of a queue group gets so many at
    /// once, and more only while it is fast. The smallest number is 1, and 0 counts as 1.
    pub concurrency: usize,
    /// The subscriber acknowledges each event on these terms.
    pub acknowledge: Option<Acknowledge>,
}

impl Default for SubscribeOptions {
    fn default() -> Self {
        SubscribeOptions {
            overflow: Overflow::default(),
            group: None,
            start: Start::default(),
            observe: false,
            capacity: DEFAULT_CAPACITY,
            concurrency: 1,
            acknowledge: None,
        }
    }
}

impl SubscribeOptions {
    /// Returns the defaults: the oldest event is dropped, there is no queue group, and the
    /// subscription starts with the next event.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what happens to further events when as many events wait as may wait.
    #[must_use]
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// Makes the subscription a member of a queue group.
    #[must_use]
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.group = Some(group.into());
        self
    }

    /// Sets the event with which the subscription starts.
    #[must_use]
    pub fn start(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// Makes the subscription one that only watches, and does not count as somebody who answers
    /// requests.
    #[must_use]
    pub fn observe(mut self) -> Self {
        self.observe = true;
        self
    }

    /// Sets how many events may wait. The smallest number is 1, and 0 counts as 1.
    #[must_use]
    pub fn capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity;
        self
    }

    /// Sets how many events the subscriber works on at a time.
    #[must_use]
    pub fn concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency;
        self
    }

    /// Makes the subscriber acknowledge each event. An event on which its listener fails is given
    /// again, and given up after a number of attempts.
    #[must_use]
    pub fn acknowledge(mut self, terms: Acknowledge) -> Self {
        self.acknowledge = Some(terms);
        self
    }
}

/// States the options of a handler of requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServeOptions {
    /// The handler is a member of this queue group. One member of the group answers each request.
    pub group: Option<String>,
    /// The handler works on at most this many requests at a time. The smallest number is 1, and 0
    /// counts as 1.
    pub concurrency: usize,
    /// At most this many further requests may wait.
    pub capacity: usize,
    /// This policy decides what happens to requests beyond `capacity`. The default drops the newest
    /// request, because its requester has waited for the shortest time.
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
    /// Returns the defaults: there is no queue group, and the handler works on one request at a
    /// time.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Shares the requests with the other members of this queue group.
    #[must_use]
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.group = Some(group.into());
        self
    }

    /// Sets how many requests the handler works on at a time.
    #[must_use]
    pub fn concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency;
        self
    }
}

/// States the options of one request.
#[derive(Debug, Clone)]
pub struct RequestOptions {
    /// The call waits for the reply for at most this long.
    pub timeout: Duration,
    /// The request has these headers. The header `reply` is always set, and `id` is set if it is
    /// missing.
    pub headers: Headers,
}

impl Default for RequestOptions {
    fn default() -> Self {
        RequestOptions { timeout: DEFAULT_REQUEST_TIMEOUT, headers: Headers::new() }
    }
}
