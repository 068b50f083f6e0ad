//! Sheds load: samples the memory several times a second, and frees some when it is short. Without load
//! shedding, slow clients would keep the memory that the hub holds for them, and publishers would wait
//! for ever.

use super::Directory;
use super::session_handle::ShedLoad;
use crate::limits::memory::MemoryPressure;
use crate::limits::memory_monitor::{MemoryMonitor, MemorySample};
use crate::limits::{ClientLimits, system};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

/// While there is enough memory, it is sampled at this interval, unless a session reports earlier
/// that memory is short.
const EVERY: Duration = Duration::from_millis(50);
/// While memory is short, it is sampled at this interval.
const EVERY_WHEN_SHORT: Duration = Duration::from_millis(20);
/// While there is enough memory, the bound of the queues grows by a sixteenth at this interval.
const WIDEN_EVERY: Duration = Duration::from_millis(100);
/// Unused accounts are closed at this interval.
const SWEEP: Duration = Duration::from_secs(1);
/// This many bytes may always wait for a client.
const LEAST_QUEUE: usize = 64 * 1024;
/// The bound of the answers that a client may leave unread is this many bytes before the hub
/// refuses events, and is halved with each sample while it refuses them.
const MOST_ANSWERS: usize = 256 * 1024;
/// A client may always leave this many bytes of answers unread, even while the hub refuses events.
const LEAST_ANSWERS: usize = 8 * 1024;
/// The topics drop their history at the first sample of short memory, and then once in this many
/// samples.
const FORGET_EVERY: u32 = 50;
/// Instances without a connection are forgotten at the first sample of short memory, and then once
/// in this many samples.
const AWAY_EVERY: u32 = 5;
/// While memory is short, all instances without a connection together may take the memory budget
/// divided by this number.
const AWAY_PART: usize = 16;

/// Holds the keys of the configuration for load shedding.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LoadShedding {
    /// Publishers wait this long for memory before their events are refused.
    pub grace: Duration,
    /// This many bytes may wait for a connection while there is enough memory.
    pub queue_bytes: usize,
}

/// Keeps the memory within its budget for as long as the hub runs.
pub(crate) async fn keep_within_budget(
    directory: Arc<Directory>,
    limits: Arc<ClientLimits>,
    settings: LoadShedding,
) {
    let start = Instant::now();
    let memory = &limits.memory;
    let mut monitor = memory.budget().map(|budget| MemoryMonitor::new(budget, settings.grace));
    let mut control = QueueLimitControl::new(settings.queue_bytes);
    let mut swept = start;
    loop {
        match control.short {
            // It does not matter whether the wait ends by its timeout or by a report of short
            // memory.
            0 => drop(timeout(EVERY, memory.reported_short()).await),
            _ => sleep(EVERY_WHEN_SHORT).await,
        }
        if let Some(monitor) = &mut monitor {
            let decision = monitor.observe(start.elapsed(), sample(&directory, &limits));
            let was = memory.level();
            memory.apply(decision);
            if was != decision.level as u8 {
                let (used, held) = (decision.used, memory.held().get());
                match decision.level {
                    MemoryPressure::Calm => tracing::info!(used, held, "memory: enough again"),
                    MemoryPressure::Slow => tracing::warn!(used, held, "memory: publishers wait"),
                    MemoryPressure::Refuse => {
                        tracing::warn!(used, held, "memory: events are refused")
                    }
                }
            }
            match decision.level {
                MemoryPressure::Calm => {
                    if let Some(queue) = control.widen(start.elapsed()) {
                        memory.held().limit_queues(queue);
                    }
                }
                level => shed_load(&directory, &limits, &mut control, level),
            }
        }
        if swept.elapsed() >= SWEEP {
            swept = Instant::now();
            limits.accounts.close_unused();
        }
    }
}

fn sample(directory: &Directory, limits: &ClientLimits) -> MemorySample {
    let held = limits.memory.held().get();
    MemorySample {
        // Where the system does not report the resident memory, the counted bytes take its place.
        resident: system::resident().unwrap_or(held),
        held,
        connections: directory.sessions.len(),
        topics: directory.registry.topics(),
        subscriptions: directory.registry.subscriptions(),
    }
}

/// Drops history first, then instances without a connection, and then some of what waits for
/// clients.
fn shed_load(
    directory: &Directory,
    limits: &ClientLimits,
    control: &mut QueueLimitControl,
    level: MemoryPressure,
) {
    if control.short.is_multiple_of(FORGET_EVERY) {
        directory.registry.forget_past();
    }
    if control.short.is_multiple_of(AWAY_EVERY)
        && let Some(budget) = limits.memory.budget()
    {
        directory.instances.forget_away(budget / AWAY_PART);
    }
    if let Some(queue) = control.narrow() {
        limits.memory.held().limit_queues(queue);
        let refuses = level == MemoryPressure::Refuse;
        let carry = refuses.then_some(queue);
        let answers = refuses.then(|| control.narrow_answers());
        directory.instances.shed(queue);
        directory
            .sessions
            .for_each(|session| session.shed_load(ShedLoad { queue, carry, answers }));
    }
}

/// Controls the bound of what may wait for a client. While memory is short, the bound is halved
/// with each sample, so clients with the longest queues lose events first, and clients that keep up
/// lose nothing. When there is enough memory again, the bound grows slowly from there. Otherwise
/// slow clients would at once hold as much as before, and publishers would wait most of the time.
#[derive(Debug)]
struct QueueLimitControl {
    /// The configuration sets this bound in bytes. The present bound never exceeds it.
    most: usize,
    queue: usize,
    /// This many bytes of answers may wait for a client while events are refused. The number is
    /// halved in the same way as the bound of the queues.
    answers: usize,
    /// This many samples in a row have found memory short.
    short: u32,
    /// The bound grew last at this time, counted from the start of load shedding.
    widened: Duration,
}

impl QueueLimitControl {
    fn new(most: usize) -> Self {
        QueueLimitControl {
            most,
            queue: most,
            answers: MOST_ANSWERS,
            short: 0,
            widened: Duration::ZERO,
        }
    }

    /// Narrows the bound because memory is short, and returns the new bound. The first sample of
    /// short memory leaves a bound of full size as it is and returns `None`, because dropping
    /// history may be enough.
    fn narrow(&mut self) -> Option<usize> {
        let first = self.short == 0 && self.queue >= self.most;
        self.short += 1;
        (!first).then(|| {
            self.queue = (self.queue / 2).max(LEAST_QUEUE);
            self.queue
        })
    }

    /// Halves the bytes of answers that may wait for a client while events are refused, and returns
    /// the new number.
    fn narrow_answers(&mut self) -> usize {
        self.answers = (self.answers / 2).max(LEAST_ANSWERS);
        self.answers
    }

    /// Widens the bound because there is enough memory, and returns the new bound. Returns `None`
    /// if the bound has its full size, or grew a moment ago.
    fn widen(&mut self, now: Duration) -> Option<usize> {
        self.short = 0;
        self.answers = MOST_ANSWERS;
        let grows = self.queue < self.most && now.saturating_sub(self.widened) >= WIDEN_EVERY;
        grows.then(|| {
            self.widened = now;
            self.queue = (self.queue + self.queue / 16).min(self.most);
            self.queue
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 4 << 20;

    fn widen_for(control: &mut QueueLimitControl, from: u64, seconds: u64) {
        for look in 0..seconds * 20 {
            control.widen(Duration::from_secs(from) + Duration::from_millis(look * 50));
        }
    }

    #[test]
    fn the_past_goes_first_then_queues_by_halves() {
        let mut control = QueueLimitControl::new(MOST);
        let queues: Vec<_> = (0..9).map(|_| control.narrow()).collect();
        let halves = [32, 16, 8, 4, 2, 1, 1, 1].map(|n| Some(n * LEAST_QUEUE));
        assert_eq!(queues, [&[None], &halves[..]].concat());
    }

    #[test]
    fn queues_grow_slowly_and_are_halved_at_once_when_memory_is_short_again() {
        let mut control = QueueLimitControl::new(MOST);
        control.narrow();
        assert_eq!(control.narrow(), Some(MOST / 2));
        widen_for(&mut control, 1, 1);
        let grown = control.queue;
        assert!((MOST / 4 * 3..MOST).contains(&grown), "{grown}");
        assert_eq!(control.narrow(), Some(grown / 2));
    }

    #[test]
    fn it_becomes_as_it_was() {
        let mut control = QueueLimitControl::new(MOST);
        for _ in 0..20 {
            control.narrow();
        }
        widen_for(&mut control, 1, 10);
        assert_eq!(control.queue, MOST);
        assert_eq!(control.widen(Duration::from_secs(100)), None);
        assert_eq!(control.narrow(), None, "the past goes first");
    }
}
