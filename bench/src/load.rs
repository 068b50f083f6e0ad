//! Runs a load, in which publishers send to subscribers as fast as they can or at a steady rate.
//!
//! This module starts and ends the threads of a load, and decides when the load is over. Messages
//! that have not arrived by then count as lost.

use crate::counters::Counters;
use crate::cycle::Cycle;
use crate::deliveries::Deliveries;
use crate::dialect::Link;
use crate::error::BenchError;
use crate::first::first_delivery;
use crate::receive::{self, Subscriber};
use crate::send::Publisher;
use crate::usage::Usage;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

pub use crate::load_plan::{Group, LoadPlan, LoadResult};

/// If nothing arrives for this time at the end, the messages that are still due count as lost.
const LOST_AFTER: Duration = Duration::from_secs(10);
/// The main thread checks the counters at this interval.
const TICK: Duration = Duration::from_millis(10);
/// The main thread reports the result so far at this interval.
const LOOK: Duration = Duration::from_millis(250);

/// Runs a load and returns its result.
///
/// # Errors
/// Returns an error if the plan asks for something impossible, if the server cannot be reached, or if
/// the server sends something that its protocol does not allow.
pub fn run(plan: &LoadPlan<'_>) -> Result<LoadResult, BenchError> {
    let dialect = plan.dialect;
    let topics = || plan.groups.iter().flat_map(|group| &group.topics);
    let first = topics().next().ok_or_else(|| BenchError::Plan("no topic".into()))?;
    if topics().any(|topic| topic.len() != first.len()) {
        return Err(BenchError::Plan("topics must be of one length".into()));
    }
    if plan.groups.iter().any(|group| group.topics.is_empty()) {
        return Err(BenchError::Plan("a group without a topic".into()));
    }
    let cycle = |group: &Group| Cycle::new(dialect, &group.topics, &plan.payload, plan.chunk);
    let cycles: Vec<Cycle> = plan.groups.iter().map(cycle).collect();
    let deliveries = Deliveries::new(plan, first, &cycles[0])?;
    let layout = deliveries.layout();
    let window = (plan.window / deliveries.mean_length()).max(1) as u64;
    if plan.groups.iter().any(|group| group.subscribers > 0) {
        first_delivery(dialect, plan.addr, first, plan.payload.first())?;
    }

    let counters = Counters::new(&plan.groups);
    let subscribers = counters.groups.iter().zip(&plan.groups).flat_map(|(counters, group)| {
        counters.subscribers.iter().map(|tally| {
            let mut link = Link::connect(plan.addr)?;
            dialect.open_subscriber(&mut link, &group.topics)?;
            Ok(Subscriber { link, tally })
        })
    });
    let subscribers = subscribers.collect::<Result<Vec<_>, BenchError>>()?;
    let groups = counters.groups.iter().zip(&plan.groups).zip(&cycles);
    let publishers = groups.flat_map(|((counters, group), cycle)| {
        counters.publishers.iter().map(|answers| {
            let mut link = Link::connect(plan.addr)?;
            dialect.open_publisher(&mut link, &group.topics)?;
            Publisher::new(link, cycle, counters, answers)
        })
    });
    let publishers = publishers.collect::<Result<Vec<_>, BenchError>>()?;

    let (stop_sending, stop_reading) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        let (stop_sending, stop_reading, counters) = (&stop_sending, &stop_reading, &counters);
        let readers: Vec<_> = shares(subscribers, plan.readers.max(1))
            .into_iter()
            .map(|share| {
                scope.spawn(move || {
                    receive::receive(dialect, share, layout, stop_reading, &counters.last)
                })
            })
            .collect();
        counters.begin(usage(plan));
        let listeners: Vec<_> = publishers
            .iter()
            .map(|publisher| scope.spawn(|| publisher.listen(dialect, stop_reading)))
            .collect();
        let senders: Vec<_> = publishers
            .iter()
            .map(|publisher| {
                scope.spawn(move || match plan.rate {
                    None => publisher.flood(window, stop_sending),
                    Some(rate) => publisher.paced(rate, stop_sending),
                })
            })
            .collect();

        let reading = || readers.iter().all(|reader| !reader.is_finished());
        let sending = || senders.iter().any(|sender| !sender.is_finished());
        watch_sending(plan, counters, || reading() && sending());
        stop_sending.store(true, Relaxed);
        wait_for_the_rest(plan, counters, reading, sending);
        let mut outcome = counters.so_far(usage(plan));
        stop_reading.store(true, Relaxed);
        // If the server takes no more bytes, a sender waits in its write until this point.
        publishers.iter().for_each(Publisher::hang_up);

        let mut result = Ok(());
        for reader in readers {
            match join(reader) {
                Ok(latency) => drop(outcome.latency.add(latency)),
                Err(error) => result = result.and(Err(error)),
            }
        }
        for thread in listeners.into_iter().chain(senders) {
            result = result.and(join(thread));
        }
        result.map(|()| outcome)
    })
}

fn usage(plan: &LoadPlan<'_>) -> Option<Usage> {
    plan.probe.and_then(|probe| probe())
}

/// Waits until the time of the load is over, or until a thread has ended early.
fn watch_sending(plan: &LoadPlan<'_>, counters: &Counters, well: impl Fn() -> bool) {
    let until = Instant::now() + plan.duration;
    let mut next_look = Instant::now() + LOOK;
    while Instant::now() < until && well() {
        thread::sleep(TICK.min(until.saturating_duration_since(Instant::now())));
        if let Some(watch) = plan.watch
            && Instant::now() >= next_look
        {
            watch(&counters.so_far(usage(plan)));
            next_look += LOOK;
        }
    }
}

/// Waits until the messages that are under way have arrived and are acknowledged, or until nothing
/// arrives any more.
fn wait_for_the_rest(
    plan: &LoadPlan<'_>,
    counters: &Counters,
    reading: impl Fn() -> bool,
    sending: impl Fn() -> bool,
) {
    let (mut came, mut moved) = (0, Instant::now());
    while reading() && moved.elapsed() < LOST_AFTER {
        let now = counters.so_far(None);
        let arrived = now.delivered + now.announced_missing >= now.due;
        let acknowledged = !plan.dialect.acknowledges() || now.acknowledged >= now.sent;
        if !sending() && arrived && acknowledged {
            break;
        }
        let coming = now.delivered + now.announced_missing + now.acknowledged;
        if coming > came {
            (came, moved) = (coming, Instant::now());
        }
        thread::sleep(Duration::from_millis(1));
    }
}

fn join<T>(thread: ScopedJoinHandle<'_, Result<T, BenchError>>) -> Result<T, BenchError> {
    thread.join().unwrap_or(Err(BenchError::Thread))
}

/// Divides `all` into at most `count` parts of about equal size.
fn shares<T>(all: Vec<T>, count: usize) -> Vec<Vec<T>> {
    let mut shares: Vec<Vec<T>> = Vec::new();
    for (index, item) in all.into_iter().enumerate() {
        if index < count {
            shares.push(Vec::new());
        }
        shares[index % count].push(item);
    }
    shares
}
