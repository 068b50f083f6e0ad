//! Defines the plan and the result of a load, which are plain types that its threads share.
//!
//! The types have a module of their own because publishers, the counters and [`crate::load`] all need
//! them. If they were in `load`, it and the other modules would import one another.

use crate::dialect::Dialect;
use crate::payload::Payload;
use crate::usage::{Probe, Usage};
use hdrhistogram::Histogram;
use std::net::SocketAddr;
use std::time::Duration;

/// Says what a load does.
#[derive(Clone)]
pub struct LoadPlan<'a> {
    /// The server speaks this protocol.
    pub dialect: &'a dyn Dialect,
    /// The server listens at this address.
    pub addr: SocketAddr,
    /// The load has these groups of publishers and subscribers. Two groups share no topic.
    pub groups: Vec<Group>,
    /// Each publisher sends all messages of this payload in turn.
    pub payload: Payload,
    /// Each publisher sends this many messages in a second. If it is `None`, publishers send as fast
    /// as possible, and latency is not measured.
    pub rate: Option<f64>,
    /// The publishers send for this long.
    pub duration: Duration,
    /// The publishers of a group together may be this many bytes ahead of their slowest subscriber,
    /// counted as a subscriber gets them. The bound is never less than one chunk. A paced run has no
    /// such bound.
    pub window: usize,
    /// A publisher writes about this many bytes at a time.
    pub chunk: usize,
    /// This many threads read the subscribers.
    pub readers: usize,
    /// This function returns the usage of the server so far.
    pub probe: Option<Probe<'a>>,
    /// This function is called several times a second with the result so far.
    pub watch: Option<&'a (dyn Fn(&LoadResult) + Sync)>,
}

/// Describes publishers and subscribers that share topics. Each publisher sends to all of these topics
/// in turn, and each subscriber gets every message.
#[derive(Debug, Clone)]
pub struct Group {
    /// The group has these topics. All names have the same length.
    pub topics: Vec<String>,
    /// The group has this many publishers.
    pub publishers: usize,
    /// The group has this many subscribers.
    pub subscribers: usize,
}

/// Holds the result of a load.
#[derive(Debug, Clone)]
pub struct LoadResult {
    /// The publishers sent this many messages.
    pub sent: u64,
    /// All subscribers together should have received this many messages.
    pub due: u64,
    /// All subscribers together received this many messages.
    pub delivered: u64,
    /// The server announced this many messages as missing.
    pub announced_missing: u64,
    /// The server acknowledged this many messages to publishers. It is 0 if they did not ask for that.
    pub acknowledged: u64,
    /// All subscribers together received this many bytes.
    pub received_bytes: u64,
    /// This time passed from the first send to the last read of a subscriber. Without subscribers, it
    /// ends with the load.
    pub elapsed: Duration,
    /// Holds the usage of the server. The processor time is only that of the load, and the memory
    /// fields are totals of the process. It is `None` if the usage is unknown.
    pub usage: Option<Usage>,
    /// Holds the times from the moment when each message was due to its arrival, in nanoseconds. It is
    /// empty if the run is not paced.
    pub latency: Histogram<u64>,
}

impl LoadResult {
    /// Returns how many of the due messages did not arrive. Messages that the server announced as
    /// missing are among them.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.due.saturating_sub(self.delivered)
    }

    /// Returns how many messages were received. Without subscribers, returns how many were sent.
    #[must_use]
    pub fn handled(&self) -> u64 {
        if self.due == 0 { self.sent } else { self.delivered }
    }

    /// Returns how many messages were handled in a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.handled() as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// Returns the processor time of the server for each message, in microseconds. Returns `None` if
    /// the usage is unknown or no message was handled.
    #[must_use]
    pub fn cpu_us(&self) -> Option<f64> {
        let cpu = self.usage?.cpu.as_secs_f64();
        (self.handled() > 0).then(|| 1e6 * cpu / self.handled() as f64)
    }
}
