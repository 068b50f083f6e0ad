//! Sheds load: samples the memory several times a second, shares it out, and frees some when it is short.
//! Without load shedding, slow clients would keep the memory that the hub holds for them, and everybody
//! would wait for ever.
//!
//! Short of memory, the hub first gives up what it keeps only in case somebody wants it, in a known order:
//! what the allocator keeps, histories, clients that are away, last events of topics that are idle, all
//! last events, and then idle topics. At the same time, those who hold most are asked: their queues drop
//! what their policies allow, their events wait, then they are refused, and then they are ended.

use super::Directory;
use super::session_handle::ShedLoad;
use crate::limits::ClientLimits;
use crate::limits::memory::MemoryPressure;
use crate::limits::memory_monitor::MemoryMonitor;
use crate::limits::memory_sample::MemorySample;
use crate::limits::share::{Shares, to_end};
use hub_core::topic::{GivesWay, LEAST_QUEUE};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{sleep, timeout};

/// While there is enough memory, it is sampled at this interval, unless a session reports earlier
/// that memory is short.
const EVERY: Duration = Duration::from_millis(50);
/// While memory is short, it is sampled at this interval.
const EVERY_WHEN_SHORT: Duration = Duration::from_millis(20);
/// While memory is short, it is sampled no more often than at this interval, whatever sessions report.
const AT_MOST_EVERY: Duration = Duration::from_millis(5);
/// Unused accounts are closed at this interval.
const SWEEP: Duration = Duration::from_secs(1);
/// The bound of the answers that a client may leave unread is this many bytes before the hub
/// refuses events, and is halved with each sample while it refuses them.
const MOST_ANSWERS: usize = 256 * 1024;
/// A client may always leave this many bytes of answers unread, even while the hub refuses events.
const LEAST_ANSWERS: usize = 8 * 1024;
/// While memory is short, the next kind of what gives way is given up at this interval.
const GIVE_WAY_EVERY: Duration = Duration::from_millis(200);
/// When everything that gives way is given up, it is looked for again at this interval, or earlier if clients
/// are ended earlier: a client is charged for the history of its topics, and cannot give that up itself.
const GIVE_WAY_AGAIN: Duration = Duration::from_secs(1);
/// While memory is short, all instances without a connection together may take the memory budget
/// divided by this number.
const AWAY_PART: usize = 16;
/// While there is enough memory, the allocator gives back what it keeps at this interval.
const GIVE_BACK_EVERY: Duration = Duration::from_secs(10);
/// The allocator is asked again after this time, even if nothing has changed since.
const GIVE_BACK_AGAIN: Duration = Duration::from_secs(20);
/// Giving back may take at most this part of the time, because threads that allocate wait meanwhile.
const GIVE_BACK_PART: u32 = 10;

/// Keeps the memory within its budget for as long as the hub runs.
pub(crate) async fn keep_within_budget(directory: Arc<Directory>, limits: Arc<ClientLimits>) {
    let start = Instant::now();
    let memory = &limits.memory;
    let Some(budget) = memory.budget() else { return sweep(&limits).await };
    let mut monitor = MemoryMonitor::new(budget, memory.grace());
    let (mut allocator, shares) = (Allocator::new(budget), Shares::default());
    let mut shedding = Shedding::default();
    let (mut swept, mut sampled) = (start, start);
    loop {
        // It does not matter whether the wait ends by its timeout or by a report of short memory.
        let mut wait = EVERY;
        if memory.level() != MemoryPressure::Calm as u8 {
            sleep(AT_MOST_EVERY).await;
            wait = EVERY_WHEN_SHORT - AT_MOST_EVERY;
        }
        drop(timeout(wait, memory.reported_short()).await);
        let mut sample = memory.sample();
        if allocator.keeps_much(&sample) {
            allocator.give_back().await;
            sample = memory.sample();
            allocator.gave_back(&sample);
        }
        let decision = monitor.observe(start.elapsed(), sample);
        let was = memory.level();
        let passed = std::mem::replace(&mut sampled, Instant::now()).elapsed();
        // Where a sample is late, sessions had no processor time either, so they lose none of their grace.
        let passed = passed.min(EVERY);
        let short_for = if was == MemoryPressure::Calm as u8 { Duration::ZERO } else { passed };
        let used = (sample.wanted(), budget);
        let unmet = shares.set(&limits.accounts, memory.held(), used, short_for);
        memory.apply(decision, !unmet.is_empty());
        if was != decision.level as u8 {
            let (used, held) = (decision.used, memory.held().get());
            match decision.level {
                MemoryPressure::Calm => tracing::info!(used, held, "memory: enough again"),
                MemoryPressure::Slow => {
                    tracing::warn!(used, held, "memory: those who hold most wait")
                }
                MemoryPressure::Refuse => {
                    tracing::warn!(used, held, "memory: those who hold most are refused")
                }
            }
        }
        if Shares::is_scarce(sample.wanted(), budget) {
            let again = (memory.grace() / 2).clamp(EVERY, GIVE_WAY_AGAIN);
            shedding.give_way(&directory, decision.level, budget, again);
        } else {
            shedding = Shedding { topics: shedding.topics, ..Shedding::default() };
        }
        if decision.level != MemoryPressure::Calm {
            let ends = decision.ends.then(|| to_end(&unmet, 2 * memory.grace())).flatten();
            let refuses = decision.level == MemoryPressure::Refuse
                || unmet.iter().any(|(_, unmet_for)| *unmet_for >= memory.grace());
            shedding.ask(&directory, refuses, ends);
        }
        if swept.elapsed() >= SWEEP {
            swept = Instant::now();
            limits.accounts.close_unused();
        }
    }
}

/// Closes unused accounts from time to time, at a hub without a budget.
async fn sweep(limits: &ClientLimits) {
    loop {
        sleep(SWEEP).await;
        limits.accounts.close_unused();
    }
}

/// Has the allocator give back the memory that it keeps.
#[derive(Debug)]
struct Allocator {
    budget: usize,
    /// After it gave back, this much resident memory was not counted, or less since.
    uncounted: usize,
    /// There was never less resident memory that was not counted.
    least: usize,
    /// The allocator may be asked again from this moment on, when memory is scarce and when it is not.
    next: (Instant, Instant),
    /// From this moment on, the allocator is asked again although nothing has changed. What is not counted any
    /// more may be freed only later, such as topics whose actors are about to end.
    again: Instant,
}

impl Allocator {
    fn new(budget: usize) -> Self {
        let now = Instant::now();
        let (next, again) = ((now, now + GIVE_BACK_EVERY), now + GIVE_BACK_AGAIN);
        Allocator { budget, uncounted: usize::MAX, least: usize::MAX, next, again }
    }

    /// Returns whether the allocator may keep so much that it should give it back now.
    fn keeps_much(&mut self, sample: &MemorySample) -> bool {
        self.uncounted = self.uncounted.min(sample.uncounted());
        self.least = self.least.min(sample.uncounted());
        let now = Instant::now();
        let before = if now >= self.again { self.least } else { self.uncounted };
        let worth = sample.uncounted() - before > self.budget / 32;
        let scarce = sample.used() >= self.budget / 2;
        worth && now >= if scarce { self.next.0 } else { self.next.1 }
    }

    async fn give_back(&mut self) {
        let begun = Instant::now();
        // The thread of this function accepts connections, so another thread does it.
        let _ = spawn_blocking(hub_allocator::give_back).await;
        let took = begun.elapsed();
        let now = Instant::now();
        self.next = (now + took * GIVE_BACK_PART, now + GIVE_BACK_EVERY);
        self.again = now + GIVE_BACK_AGAIN;
    }

    fn gave_back(&mut self, sample: &MemorySample) {
        self.uncounted = sample.uncounted();
    }
}

/// Frees memory for as long as it is scarce.
#[derive(Debug, Default)]
struct Shedding {
    /// So many kinds of what gives way were given up since memory became short.
    given_up: usize,
    next: Option<Instant>,
    /// This thread has topics give something up.
    topics: Option<JoinHandle<()>>,
    /// A client may leave this many bytes of answers unread while events are refused.
    answers: Option<usize>,
}

impl Shedding {
    /// Gives up some of what the hub keeps only in case somebody wants it. As long as memory is not short,
    /// these are histories and clients that are away. When all was given up, the next call that does
    /// anything is due `again` later.
    fn give_way(
        &mut self,
        directory: &Arc<Directory>,
        level: MemoryPressure,
        budget: usize,
        again: Duration,
    ) {
        let is_busy = self.topics.as_ref().is_some_and(|topics| !topics.is_finished());
        if is_busy || self.next.is_some_and(|next| Instant::now() < next) {
            return;
        }
        let last = GivesWay::ORDER.len() - 1;
        let what = GivesWay::ORDER[self.given_up.min(last)];
        let all = directory.clone();
        // There may be a million topics, so another thread goes through them, and samples go on meanwhile.
        let give_way = move || Handle::current().block_on(all.registry.give_way(what));
        self.topics = Some(spawn_blocking(give_way));
        directory.instances.forget_away(budget / AWAY_PART);
        let short = level != MemoryPressure::Calm;
        self.given_up += usize::from(short);
        let more = short && self.given_up <= last;
        self.next = Some(Instant::now() + if more { GIVE_WAY_EVERY } else { again });
    }

    /// Asks those who hold most for memory. `refuses` states whether somebody is refused, and `end` above
    /// which number of bytes those are ended who had their time.
    fn ask(&mut self, directory: &Directory, refuses: bool, end: Option<usize>) {
        let carry = refuses.then_some(LEAST_QUEUE);
        let answers = refuses.then(|| {
            let answers = (self.answers.unwrap_or(MOST_ANSWERS) / 2).max(LEAST_ANSWERS);
            *self.answers.insert(answers)
        });
        let load = ShedLoad { end, carry, answers };
        directory.instances.shed();
        directory.sessions.for_each(|session| session.shed_load(load));
    }
}
