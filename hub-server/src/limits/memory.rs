//! The memory budget: how much the process may take, and what happens before it takes more.
//!
//! What the hub holds for its clients is counted as it comes and goes ([`HeldBytes`]), so that a
//! session sees at its next read that it is too much. Everything else shows in the memory that the
//! operating system says the process has, which [`Watch`] compares with the count some times a
//! second.

use super::system;
use hub_core::topic::HeldBytes;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::task::Waker;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// How the memory stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Pressure {
    /// There is enough.
    Calm,
    /// Publishers wait.
    Slow,
    /// Events, subscriptions and connections are refused.
    Refuse,
}

/// Publishers wait from here on, in percent of the budget,
const SLOW: usize = 80;
/// are refused from here on,
const REFUSE: usize = 95;
/// and go on as before so much below where they have to wait.
const CALM_BELOW: usize = 10;
/// What the allocator keeps is not always what is asked for next. If the process comes so close to
/// its budget in spite of that, publishers wait earlier,
const CLOSE: usize = 90;
/// from here on at the earliest.
const SLOW_AT_LEAST: usize = 60;

/// What a connection, a topic and a subscription take about, beside what is counted.
const CONNECTION: usize = 4 * 1024;
const TOPIC: usize = 1536;
const SUBSCRIPTION: usize = 512;

/// What is looked at each time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Figures {
    /// What the operating system says the process has in memory.
    pub resident: usize,
    /// What is counted as held for clients.
    pub held: usize,
    pub connections: usize,
    pub topics: usize,
    pub subscriptions: usize,
}

impl Figures {
    fn counted(&self) -> usize {
        self.held
            + self.connections * CONNECTION
            + self.topics * TOPIC
            + self.subscriptions * SUBSCRIPTION
    }
}

/// Judges the figures. It has no clock: it is told the time.
///
/// Memory that was freed often stays with the process, because the allocator keeps it for the next
/// who asks. It would be wrong to count it as used, since waiting would never bring it back. So
/// where the count falls and the process does not shrink, the difference is taken for *kept*; it
/// is free, and becomes used again as the count rises and the process does not grow. It is never
/// more than what the process has beyond the count and the least that it ever had beyond it: that
/// is its code, its threads, and what else is not counted.
#[derive(Debug)]
pub(crate) struct Watch {
    budget: usize,
    grace: Duration,
    kept: usize,
    /// The least by which the process was larger than the count.
    base: usize,
    /// Resident and counted bytes of the last look.
    last: Option<(usize, usize)>,
    level: Pressure,
    /// From where on publishers wait, in percent.
    slow: usize,
    /// The least that was used since publishers have to wait, and since when.
    least: (usize, Duration),
    /// The most that was resident since then, and since when.
    most: (usize, Duration),
}

/// What a look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub level: Pressure,
    /// What is used of the budget.
    pub used: usize,
    /// With this much held, publishers have to wait,
    pub slow_from: usize,
    /// or are refused, until the next look.
    pub refuse_from: usize,
}

impl Watch {
    pub(crate) fn new(budget: usize, grace: Duration) -> Self {
        let (least, most) = ((0, Duration::ZERO), (0, Duration::ZERO));
        let (level, last, slow) = (Pressure::Calm, None, SLOW);
        Watch { budget, grace, kept: 0, base: usize::MAX, last, level, slow, least, most }
    }

    fn percent(&self, percent: usize) -> usize {
        self.budget / 100 * percent
    }

    pub(crate) fn look(&mut self, now: Duration, figures: Figures) -> Verdict {
        let (resident, counted) = (figures.resident, figures.counted());
        self.follow_allocator(resident, counted);
        if resident >= self.percent(CLOSE) {
            self.slow = (self.slow - 2).max(SLOW_AT_LEAST);
        } else if resident < self.percent(CLOSE - 5) {
            self.slow = (self.slow + 1).min(SLOW);
        }
        let mut used = self.used(resident, counted);
        let step = self.budget / 64;
        if self.level == Pressure::Calm || used + step < self.least.0 {
            self.least = (used, now);
        }
        if self.level == Pressure::Calm || resident > self.most.0 + step {
            self.most = (resident, now);
        }
        let over = |since: Duration| now.saturating_sub(since) >= self.grace;
        let stuck = self.level != Pressure::Calm && over(self.least.1);
        if stuck && counted < self.budget / 2 && over(self.most.1) {
            // Nothing that is held could be let go of, and nobody can bring back the rest: also
            // where it is more than the budget, waiting would only be for ever. But as long as the
            // process grows, somebody uses what it takes.
            self.kept = self.most_kept(resident, counted);
            used = self.used(resident, counted);
        }
        self.level = match self.level {
            _ if used >= self.percent(REFUSE) => Pressure::Refuse,
            Pressure::Calm if used >= self.percent(self.slow) => Pressure::Slow,
            Pressure::Calm => Pressure::Calm,
            _ if used < self.percent(self.slow - CALM_BELOW) => Pressure::Calm,
            Pressure::Slow if stuck => Pressure::Refuse,
            Pressure::Refuse if used < self.percent(self.slow) && !stuck => Pressure::Slow,
            same => same,
        };
        let uncounted = used - figures.held.min(used);
        Verdict {
            level: self.level,
            used,
            slow_from: match self.level {
                Pressure::Calm => self.percent(self.slow).saturating_sub(uncounted),
                _ => 0,
            },
            refuse_from: match self.level {
                Pressure::Refuse => 0,
                _ => self.percent(REFUSE).saturating_sub(uncounted),
            },
        }
    }

    fn used(&self, resident: usize, counted: usize) -> usize {
        counted.max(resident.saturating_sub(self.kept))
    }

    fn follow_allocator(&mut self, resident: usize, counted: usize) {
        if let Some((resident_before, counted_before)) = self.last.replace((resident, counted)) {
            // By how much the process grew more, or shrank less, than the count.
            let stayed = (resident + counted_before).checked_sub(resident_before + counted);
            self.kept = match stayed {
                Some(stayed) => self.kept + stayed.min(counted_before.saturating_sub(counted)),
                None => {
                    let reused = resident_before + counted - (resident + counted_before);
                    self.kept.saturating_sub(reused)
                }
            };
        }
        self.base = self.base.min(resident.saturating_sub(counted));
        self.kept = self.kept.min(self.most_kept(resident, counted));
    }

    fn most_kept(&self, resident: usize, counted: usize) -> usize {
        resident.saturating_sub(counted).saturating_sub(self.base)
    }
}

/// Where sessions see how the memory stands.
#[derive(Debug)]
pub(crate) struct Memory {
    held: Arc<HeldBytes>,
    /// In bytes, if there is a budget.
    budget: Option<usize>,
    /// What may wait for a connection while there is enough.
    queue_bytes: usize,
    slow_from: AtomicUsize,
    refuse_from: AtomicUsize,
    level: AtomicU8,
    used: AtomicUsize,
    looks: AtomicU64,
    waiting: Mutex<Vec<Waker>>,
    short: Notify,
}

impl Memory {
    /// With a budget of so many bytes; 0 derives one.
    pub(crate) fn new(held: Arc<HeldBytes>, budget: u64, queue_bytes: usize) -> Self {
        let budget = match budget {
            0 => system::derived_budget().map(|derived| {
                tracing::info!(budget = derived.bytes, from = %derived.from, "memory budget");
                derived.bytes
            }),
            set => {
                tracing::info!(budget = set, from = "memory_bytes", "memory budget");
                Some(set)
            }
        };
        if budget.is_none() {
            tracing::warn!("no memory budget: the system does not say how much memory there is");
        }
        let budget = budget.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        Memory {
            held,
            budget,
            queue_bytes,
            slow_from: AtomicUsize::new(usize::MAX),
            refuse_from: AtomicUsize::new(usize::MAX),
            level: AtomicU8::new(Pressure::Calm as u8),
            used: AtomicUsize::new(0),
            looks: AtomicU64::new(0),
            waiting: Mutex::default(),
            short: Notify::new(),
        }
    }

    pub(crate) fn held(&self) -> &HeldBytes {
        &self.held
    }

    pub(crate) fn budget(&self) -> Option<usize> {
        self.budget
    }

    /// What may wait for a connection now.
    pub(crate) fn queue_limit(&self) -> usize {
        self.queue_bytes.min(self.held.queue_limit())
    }

    /// What was used of the budget at the last look.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether there is enough; the one question of the hot path.
    pub(crate) fn is_calm(&self) -> bool {
        self.held.get() < self.slow_from.load(Ordering::Relaxed)
    }

    pub(crate) fn pressure(&self) -> Pressure {
        if self.is_calm() {
            Pressure::Calm
        } else if self.held.get() >= self.refuse_from.load(Ordering::Relaxed) {
            Pressure::Refuse
        } else {
            Pressure::Slow
        }
    }

    /// How often it was looked: who is refused comes again after the next look.
    pub(crate) fn looks(&self) -> u64 {
        self.looks.load(Ordering::Relaxed)
    }

    /// Has somebody look now, and not only when it is time.
    pub(crate) fn report_short(&self) {
        self.short.notify_one();
    }

    /// Somebody found memory short.
    pub(crate) fn reported_short(&self) -> Notified<'_> {
        self.short.notified()
    }

    /// Has `waker` woken after the next look at which publishers need not wait.
    pub(crate) fn wake_later(&self, waker: &Waker) {
        let mut waiting = self.waiting.lock();
        if !waiting.iter().any(|known| known.will_wake(waker)) {
            waiting.push(waker.clone());
        }
    }

    /// Puts a verdict into force.
    pub(crate) fn apply(&self, verdict: Verdict) {
        self.used.store(verdict.used, Ordering::Relaxed);
        self.slow_from.store(verdict.slow_from, Ordering::Relaxed);
        self.refuse_from.store(verdict.refuse_from, Ordering::Relaxed);
        self.level.store(verdict.level as u8, Ordering::Relaxed);
        self.looks.fetch_add(1, Ordering::Relaxed);
        if self.pressure() != Pressure::Slow {
            // Not under the lock: a waker can be code of any kind.
            let waiting = std::mem::take(&mut *self.waiting.lock());
            waiting.into_iter().for_each(Waker::wake);
        }
    }

    /// The level at the last look.
    pub(crate) fn level(&self) -> u8 {
        self.level.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MIB: usize = 1 << 20;
    const BUDGET: usize = 100 * MIB;
    const GRACE: Duration = Duration::from_millis(1_000);

    /// A process whose allocator keeps what is freed, and its time.
    struct Process {
        watch: Watch,
        now: Duration,
    }

    impl Process {
        fn new() -> Self {
            Process { watch: Watch::new(BUDGET, GRACE), now: Duration::ZERO }
        }

        fn look(&mut self, resident: usize, held: usize) -> Verdict {
            self.now += Duration::from_millis(50);
            let figures =
                Figures { resident: resident * MIB, held: held * MIB, ..Figures::default() };
            self.watch.look(self.now, figures)
        }
    }

    #[test]
    fn publishers_are_slowed_then_refused_then_left_alone() {
        let mut process = Process::new();
        let first = process.look(10, 5);
        assert_eq!((first.level, first.used), (Pressure::Calm, 10 * MIB));
        // 5 MiB are not counted: 75 may be held before publishers wait.
        assert_eq!((first.slow_from, first.refuse_from), (75 * MIB, 90 * MIB));
        assert_eq!(process.look(82, 77).level, Pressure::Slow);
        assert_eq!(process.look(96, 91).level, Pressure::Refuse);
        assert_eq!(process.look(85, 80).level, Pressure::Refuse);
        assert_eq!(process.look(78, 73).level, Pressure::Slow);
        assert_eq!(process.look(60, 55).level, Pressure::Calm);
    }

    #[test]
    fn what_the_allocator_keeps_is_free() {
        let mut process = Process::new();
        process.look(10, 5);
        assert_eq!(process.look(90, 85).level, Pressure::Slow);
        let drained = process.look(90, 5);
        assert_eq!((drained.level, drained.used), (Pressure::Calm, 10 * MIB));
        // It is used again without growing, and is as full as before when it is.
        assert_eq!(process.look(90, 40).used, 45 * MIB);
        assert_eq!(process.look(90, 85).level, Pressure::Slow);
        assert_eq!(process.look(97, 92).level, Pressure::Refuse);
    }

    #[test]
    fn what_the_process_needs_for_itself_is_never_taken_for_kept() {
        let mut process = Process::new();
        process.look(25, 0);
        assert_eq!(process.look(73, 48).used, 73 * MIB);
        assert_eq!(process.look(85, 48).level, Pressure::Slow);
        // Nothing happens for long: what came beside the count may be the allocator's.
        let verdict = (0..60).map(|_| process.look(85, 48)).last().unwrap();
        assert_eq!((verdict.level, verdict.used), (Pressure::Refuse, 73 * MIB));
    }

    /// An allocator that takes new memory although it keeps some.
    #[test]
    fn close_to_the_budget_publishers_wait_earlier_and_go_on_all_the_same() {
        let mut process = Process::new();
        process.look(10, 5);
        process.look(80, 75);
        for _ in 0..30 {
            process.look(92, 5);
        }
        let calm = process.look(92, 5);
        assert_eq!((calm.level, calm.used), (Pressure::Calm, 22 * MIB));
        assert_eq!(calm.slow_from, (60 - 17) * MIB);
        let recovered = (0..30).map(|_| process.look(40, 5)).last().unwrap();
        assert_eq!(recovered.slow_from + recovered.used, (80 + 5) * MIB);
    }

    #[test]
    fn what_is_not_counted_counts_all_the_same() {
        let mut process = Process::new();
        process.look(10, 5);
        assert_eq!(process.look(50, 5).used, 50 * MIB);
        let verdict = process.look(82, 5);
        assert_eq!((verdict.level, verdict.slow_from), (Pressure::Slow, 0));
    }

    #[test]
    fn what_does_not_shrink_is_refused_after_a_time() {
        let mut process = Process::new();
        process.look(10, 5);
        assert_eq!(process.look(85, 80).level, Pressure::Slow);
        let looks = (0..20).map(|_| process.look(85, 80).level).collect::<Vec<_>>();
        assert_eq!((looks[0], looks[19]), (Pressure::Slow, Pressure::Refuse));
    }

    #[test]
    fn as_long_as_it_shrinks_nobody_is_refused() {
        let mut process = Process::new();
        process.look(10, 5);
        process.look(93, 88);
        for step in 0..60 {
            let held = 87 - step / 5 * 2;
            assert_ne!(process.look(held + 5, held).level, Pressure::Refuse, "{step}");
        }
    }

    proptest! {
        /// Whatever came before: when nothing is held any more, publishers go on after the grace,
        /// also if the process never shrinks.
        #[test]
        fn it_always_becomes_calm(
            steps in proptest::collection::vec((0..110_usize, 0..30_usize), 1..60),
            left in 0..20_usize,
        ) {
            let mut process = Process::new();
            let mut resident = 0;
            for (held, other) in steps {
                resident = resident.max(held + other);
                process.look(resident, held);
            }
            resident = resident.max(left);
            let calm = (0..60).any(|_| process.look(resident, left).level == Pressure::Calm);
            prop_assert!(calm);
        }

        /// What grows and is not counted is never taken for kept.
        #[test]
        fn it_is_not_calm_while_it_grows(
            held in 0..20_usize,
            base in 1..20_usize,
            steps in proptest::collection::vec(2..10_usize, 1..60),
        ) {
            let mut process = Process::new();
            let mut resident = held + base;
            process.look(resident, held);
            for grows in steps {
                resident += grows;
                let verdict = process.look(resident, held);
                prop_assert!(verdict.level != Pressure::Calm || resident < 80);
                prop_assert_eq!(verdict.used, resident * MIB);
            }
        }

        /// It is never calm with more in use than the budget allows.
        #[test]
        fn it_is_not_calm_over_the_mark(
            steps in proptest::collection::vec(0..130_usize, 1..60),
        ) {
            let mut process = Process::new();
            for held in steps {
                let verdict = process.look(held + 3, held);
                prop_assert!(verdict.level != Pressure::Calm || held + 3 < 80);
                prop_assert!(verdict.level == Pressure::Refuse || held + 3 < 95);
            }
        }
    }
}
