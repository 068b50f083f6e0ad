//! Runs subscribers that count the messages of other programs. Without this module, only loads of this
//! generator could be measured.

use crate::clock::now_ns;
use crate::dialect::{Dialect, Link};
use crate::error::BenchError;
use crate::intake::{Length, Tally};
use crate::receive::{self, MessageLayout, Subscriber};
use crate::usage::{Probe, Usage};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// The main thread checks the counters at this interval.
const TICK: Duration = Duration::from_millis(10);

/// Says what the subscribers do.
#[derive(Clone)]
pub struct ListenPlan<'a> {
    /// The server speaks this protocol.
    pub dialect: &'a dyn Dialect,
    /// The server listens at this address.
    pub addr: SocketAddr,
    /// Each subscriber subscribes to all these topics or filters.
    pub topics: Vec<String>,
    /// There are this many subscribers.
    pub subscribers: usize,
    /// The subscribers count for this long, from the first message on.
    pub duration: Duration,
    /// The measurement waits this long for the first message. Then it ends without a message.
    pub patience: Duration,
    /// This function returns the usage of the server so far.
    pub probe: Option<Probe<'a>>,
    /// This function is called once, when all subscriptions are in place.
    pub subscribed: Option<&'a (dyn Fn() + Sync)>,
    /// This function is called several times a second with the result so far.
    pub watch: Option<&'a (dyn Fn(&ListenResult) + Sync)>,
}

/// Holds the result of the measurement.
#[derive(Debug, Clone, Copy)]
pub struct ListenResult {
    /// All subscribers together received this many messages.
    pub delivered: u64,
    /// The server announced this many messages as missing.
    pub announced_missing: u64,
    /// All subscribers together received this many bytes.
    pub received_bytes: u64,
    /// This time passed between the first message and the last.
    pub elapsed: Duration,
    /// Holds the usage of the server. The processor time is counted from shortly before the first
    /// message on, and the memory fields are totals of the process. It is `None` if the usage is
    /// unknown.
    pub usage: Option<Usage>,
}

/// Subscribes, counts the messages, and returns the result.
///
/// # Errors
/// Returns an error if the server cannot be reached, or sends something that its protocol does not
/// allow.
pub fn run(plan: &ListenPlan<'_>) -> Result<ListenResult, BenchError> {
    let tallies: Vec<Tally> = (0..plan.subscribers).map(|_| Tally::default()).collect();
    let mut subscribers = Vec::new();
    for tally in &tallies {
        let mut link = Link::connect(plan.addr)?;
        plan.dialect.open_subscriber(&mut link, &plan.topics)?;
        subscribers.push(Subscriber { link, tally });
    }
    if let Some(subscribed) = plan.subscribed {
        subscribed();
    }
    let (stop, last) = (AtomicBool::new(false), AtomicU64::new(0));
    let usage = || plan.probe.and_then(|probe| probe());
    let total = |of: fn(&Tally) -> &AtomicU64| -> u64 {
        tallies.iter().map(|tally| of(tally).load(Relaxed)).sum()
    };
    thread::scope(|scope| {
        let (stop_reading, last_read) = (&stop, &last);
        let reader = scope.spawn(move || {
            let layout = MessageLayout { length: Length::Told, stamp: None };
            receive::receive(plan.dialect, subscribers, layout, stop_reading, last_read)
        });
        let waiting = Instant::now();
        let mut before = usage();
        while total(|tally| &tally.messages) == 0
            && waiting.elapsed() < plan.patience
            && !reader.is_finished()
        {
            before = usage();
            thread::sleep(TICK);
        }
        let (start, began) = (now_ns(), Instant::now());
        let so_far = || ListenResult {
            delivered: total(|tally| &tally.messages),
            announced_missing: total(|tally| &tally.missing),
            received_bytes: total(|tally| &tally.bytes),
            elapsed: Duration::from_nanos(last.load(Relaxed).saturating_sub(start)),
            usage: before.zip(usage()).map(|(before, after)| after.since(before)),
        };
        let mut next_look = Instant::now();
        while total(|tally| &tally.messages) > 0
            && began.elapsed() < plan.duration
            && !reader.is_finished()
        {
            thread::sleep(TICK);
            if let Some(watch) = plan.watch
                && Instant::now() >= next_look
            {
                watch(&so_far());
                next_look += Duration::from_millis(250);
            }
        }
        let outcome = so_far();
        stop.store(true, Relaxed);
        reader.join().unwrap_or(Err(BenchError::Thread)).map(|_| outcome)
    })
}
