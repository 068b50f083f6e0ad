//! Runs subscribers that count the messages of other programs. Without it, only loads of this
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

/// How often the main thread checks the counters.
const TICK: Duration = Duration::from_millis(10);

/// What the subscribers do.
#[derive(Clone)]
pub struct ListenPlan<'a> {
    /// The protocol of the server.
    pub dialect: &'a dyn Dialect,
    /// The address of the server.
    pub addr: SocketAddr,
    /// The topics or filters to which each subscriber subscribes.
    pub topics: Vec<String>,
    /// How many subscribers there are.
    pub subscribers: usize,
    /// How long to count, from the first message on.
    pub duration: Duration,
    /// How long to wait for the first message.
    pub patience: Duration,
    /// Returns what the server has used.
    pub probe: Option<Probe<'a>>,
    /// Called when all subscriptions are in place.
    pub subscribed: Option<&'a (dyn Fn() + Sync)>,
    /// Called several times a second with the result so far.
    pub watch: Option<&'a (dyn Fn(&ListenResult) + Sync)>,
}

/// The result of the measurement.
#[derive(Debug, Clone, Copy)]
pub struct ListenResult {
    /// How many messages all subscribers together received.
    pub delivered: u64,
    /// How many messages the server announced as missing.
    pub announced_missing: u64,
    /// How many bytes all subscribers together received.
    pub received_bytes: u64,
    /// The time from the first message to the last one.
    pub elapsed: Duration,
    /// What the server used in that time. The fields `peak` and `resident` are its totals.
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
