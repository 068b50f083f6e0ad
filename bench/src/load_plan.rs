//! What a load is to do and what came of it: plain types that the threads of a load share.
//!
//! They stand in a module of their own because publishers, the board and [`crate::load`] all need
//! them. In `load`, each of these modules would have to import another one that imports it.

use crate::dialect::Dialect;
use crate::payload::Payload;
use crate::usage::{Probe, Usage};
use hdrhistogram::Histogram;
use std::net::SocketAddr;
use std::time::Duration;

/// What to run.
#[derive(Clone)]
pub struct LoadPlan<'a> {
    /// How to talk to the server.
    pub dialect: &'a dyn Dialect,
    /// Where it listens.
    pub addr: SocketAddr,
    /// Who sends to whom. Groups do not share topics.
    pub groups: Vec<Group>,
    /// What the messages carry. Each publisher sends all of its messages in turn.
    pub payload: Payload,
    /// Messages a second and publisher; `None` is as fast as it goes. Only a paced run measures
    /// latency.
    pub rate: Option<f64>,
    /// How long to send.
    pub duration: Duration,
    /// Bytes, as a subscriber gets them, that a publisher may be ahead of its slowest subscriber.
    pub window: usize,
    /// Bytes that are written at a time.
    pub chunk: usize,
    /// Threads that read subscribers.
    pub readers: usize,
    /// Asks for what the server used.
    pub probe: Option<Probe<'a>>,
    /// Told now and then how far it is.
    pub watch: Option<&'a (dyn Fn(&LoadResult) + Sync)>,
}

/// Publishers and subscribers that share topics: each publisher sends to all of these topics in
/// turn, and each subscriber gets every message.
#[derive(Debug, Clone)]
pub struct Group {
    /// The topics; all names have one length.
    pub topics: Vec<String>,
    /// How many publishers.
    pub publishers: usize,
    /// How many subscribers.
    pub subscribers: usize,
}

/// What happened.
#[derive(Debug, Clone)]
pub struct LoadResult {
    /// Messages sent.
    pub sent: u64,
    /// Messages that subscribers had to get.
    pub due: u64,
    /// Messages that they got.
    pub delivered: u64,
    /// Messages that the server announced as missing.
    pub announced_missing: u64,
    /// Messages that the server acknowledged to publishers, if they asked for that.
    pub acknowledged: u64,
    /// Bytes that subscribers received.
    pub received_bytes: u64,
    /// From the first message sent to the last one received.
    pub elapsed: Duration,
    /// What the server used meanwhile; `peak` and `resident` are its totals.
    pub usage: Option<Usage>,
    /// From a message's sending to its arrival, in nanoseconds; of paced runs.
    pub latency: Histogram<u64>,
}

impl LoadResult {
    /// Messages that neither came nor were announced as missing.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.due.saturating_sub(self.delivered)
    }

    /// Messages received, or sent if there is no subscriber.
    #[must_use]
    pub fn handled(&self) -> u64 {
        if self.due == 0 { self.sent } else { self.delivered }
    }

    /// Messages a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.handled() as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// The server's processor time a message, in microseconds.
    #[must_use]
    pub fn cpu_us(&self) -> Option<f64> {
        let cpu = self.usage?.cpu.as_secs_f64();
        (self.handled() > 0).then(|| 1e6 * cpu / self.handled() as f64)
    }
}
