//! The plan and the result of a load: plain types that its threads share.
//!
//! They have a module of their own because publishers, the counters and [`crate::load`] all need
//! them. If they were in `load`, each of these modules would import another one that imports it.

use crate::dialect::Dialect;
use crate::payload::Payload;
use crate::usage::{Probe, Usage};
use hdrhistogram::Histogram;
use std::net::SocketAddr;
use std::time::Duration;

/// What a load does.
#[derive(Clone)]
pub struct LoadPlan<'a> {
    /// The protocol of the server.
    pub dialect: &'a dyn Dialect,
    /// The address of the server.
    pub addr: SocketAddr,
    /// The groups of publishers and subscribers. Two groups share no topic.
    pub groups: Vec<Group>,
    /// The payload of the messages. Each publisher sends all of its messages in turn.
    pub payload: Payload,
    /// How many messages each publisher sends in a second. `None` means as fast as possible. Only a
    /// paced run measures latency.
    pub rate: Option<f64>,
    /// How long the publishers send.
    pub duration: Duration,
    /// How many bytes, as a subscriber gets them, a publisher may be ahead of its slowest
    /// subscriber.
    pub window: usize,
    /// How many bytes a publisher writes at a time.
    pub chunk: usize,
    /// How many threads read the subscribers.
    pub readers: usize,
    /// Returns what the server has used.
    pub probe: Option<Probe<'a>>,
    /// Called several times a second with the result so far.
    pub watch: Option<&'a (dyn Fn(&LoadResult) + Sync)>,
}

/// Publishers and subscribers that share topics. Each publisher sends to all of these topics in
/// turn, and each subscriber gets every message.
#[derive(Debug, Clone)]
pub struct Group {
    /// The topics. All names have one length.
    pub topics: Vec<String>,
    /// How many publishers there are.
    pub publishers: usize,
    /// How many subscribers there are.
    pub subscribers: usize,
}

/// The result of a load.
#[derive(Debug, Clone)]
pub struct LoadResult {
    /// How many messages were sent.
    pub sent: u64,
    /// How many messages all subscribers together should have received.
    pub due: u64,
    /// How many messages they received.
    pub delivered: u64,
    /// How many messages the server announced as missing.
    pub announced_missing: u64,
    /// How many messages the server acknowledged to publishers, if they asked for that.
    pub acknowledged: u64,
    /// How many bytes subscribers received.
    pub received_bytes: u64,
    /// The time from the first message sent to the last one received.
    pub elapsed: Duration,
    /// What the server used in that time. The fields `peak` and `resident` are its totals.
    pub usage: Option<Usage>,
    /// The time from sending a message to its arrival, in nanoseconds. Only paced runs have it.
    pub latency: Histogram<u64>,
}

impl LoadResult {
    /// Returns how many messages neither arrived nor were announced as missing.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.due.saturating_sub(self.delivered)
    }

    /// Returns how many messages were received, or sent if there is no subscriber.
    #[must_use]
    pub fn handled(&self) -> u64 {
        if self.due == 0 { self.sent } else { self.delivered }
    }

    /// Returns how many messages were handled in a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.handled() as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// Returns the processor time of the server for each message, in microseconds.
    #[must_use]
    pub fn cpu_us(&self) -> Option<f64> {
        let cpu = self.usage?.cpu.as_secs_f64();
        (self.handled() > 0).then(|| 1e6 * cpu / self.handled() as f64)
    }
}
