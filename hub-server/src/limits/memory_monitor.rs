//! Decides from samples whether memory is short. The allocator often keeps memory that was freed. If
//! such memory counted as used, publishers would wait for ever.

use super::memory::{MemoryDecision, MemoryPressure};
use std::time::Duration;

/// From this percentage of the budget on, publishers wait.
const SLOW: usize = 80;
/// From this percentage of the budget on, events are refused.
const REFUSE: usize = 95;
/// Publishers go on when the use has fallen this many percentage points below the mark from which
/// on they wait.
const CALM_BELOW: usize = 10;
/// If the resident memory reaches this percentage of the budget, publishers wait earlier. Memory
/// that the allocator keeps does not always fit the next request, so the process can still grow.
const CLOSE: usize = 90;
/// The mark from which on publishers wait never falls below this percentage of the budget.
const SLOW_AT_LEAST: usize = 60;

/// A connection takes about this many bytes, besides what is counted as held.
const CONNECTION: usize = 4 * 1024;
/// A topic takes about this many bytes, besides what is counted as held.
const TOPIC: usize = 1536;
/// A subscription takes about this many bytes, besides what is counted as held.
const SUBSCRIPTION: usize = 512;

/// Holds the figures of one sample of the memory.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct MemorySample {
    /// The process has this many bytes of resident memory, as the operating system reports it.
    pub resident: usize,
    /// This many bytes are counted as held for clients.
    pub held: usize,
    pub connections: usize,
    pub topics: usize,
    pub subscriptions: usize,
}

impl MemorySample {
    fn counted(&self) -> usize {
        self.held
            + self.connections * CONNECTION
            + self.topics * TOPIC
            + self.subscriptions * SUBSCRIPTION
    }
}

/// Decides from samples whether memory is short. The monitor has no clock, so each call states the
/// time.
///
/// The allocator often keeps memory that was freed, for later requests. Such memory must not count
/// as used, because waiting would never bring it back. So when the count falls and the process does
/// not shrink, the difference is taken as *kept*. Kept memory is free, and is used again when the
/// count rises and the process does not grow. The kept memory is at most the resident memory beyond
/// the count, less the smallest amount that was ever resident beyond the count. That smallest
/// amount is the code of the process, its threads, and everything else that is not counted.
#[derive(Debug)]
pub(crate) struct MemoryMonitor {
    budget: usize,
    grace: Duration,
    kept: usize,
    /// The resident memory was never less than this many bytes above the count.
    base: usize,
    /// The last sample had this many resident and this many counted bytes.
    last: Option<(usize, usize)>,
    level: MemoryPressure,
    /// Publishers wait from this percentage of the budget on. It is between `SLOW_AT_LEAST` and
    /// `SLOW`.
    slow: usize,
    /// Holds the smallest use since publishers began to wait, and the time at which it was reached.
    /// A use that is smaller by less than a 64th of the budget does not count.
    least: (usize, Duration),
    /// Holds the largest resident memory since publishers began to wait, and the time at which it
    /// was reached. Growth by less than a 64th of the budget does not count.
    most: (usize, Duration),
}

impl MemoryMonitor {
    pub(crate) fn new(budget: usize, grace: Duration) -> Self {
        let (least, most) = ((0, Duration::ZERO), (0, Duration::ZERO));
        let (level, last, slow) = (MemoryPressure::Calm, None, SLOW);
        MemoryMonitor { budget, grace, kept: 0, base: usize::MAX, last, level, slow, least, most }
    }

    fn percent(&self, percent: usize) -> usize {
        self.budget / 100 * percent
    }

    pub(crate) fn observe(&mut self, now: Duration, sample: MemorySample) -> MemoryDecision {
        let (resident, counted) = (sample.resident, sample.counted());
        self.follow_allocator(resident, counted);
        if resident >= self.percent(CLOSE) {
            self.slow = (self.slow - 2).max(SLOW_AT_LEAST);
        } else if resident < self.percent(CLOSE - 5) {
            self.slow = (self.slow + 1).min(SLOW);
        }
        let mut used = self.used(resident, counted);
        let step = self.budget / 64;
        if self.level == MemoryPressure::Calm || used + step < self.least.0 {
            self.least = (used, now);
        }
        if self.level == MemoryPressure::Calm || resident > self.most.0 + step {
            self.most = (resident, now);
        }
        let over = |since: Duration| now.saturating_sub(since) >= self.grace;
        let stuck = self.level != MemoryPressure::Calm && over(self.least.1);
        if stuck && counted < self.budget / 2 && over(self.most.1) {
            // No held bytes were freed in the time of grace, and waiting cannot bring the rest
            // back, even if the rest is more than the budget. So the rest is taken as kept. While
            // the process still grows, it uses the memory that it takes, so none of that is taken
            // as kept.
            self.kept = self.most_kept(resident, counted);
            used = self.used(resident, counted);
        }
        self.level = match self.level {
            _ if used >= self.percent(REFUSE) => MemoryPressure::Refuse,
            MemoryPressure::Calm if used >= self.percent(self.slow) => MemoryPressure::Slow,
            MemoryPressure::Calm => MemoryPressure::Calm,
            _ if used < self.percent(self.slow - CALM_BELOW) => MemoryPressure::Calm,
            MemoryPressure::Slow if stuck => MemoryPressure::Refuse,
            MemoryPressure::Refuse if used < self.percent(self.slow) && !stuck => {
                MemoryPressure::Slow
            }
            same => same,
        };
        let uncounted = used - sample.held.min(used);
        MemoryDecision {
            level: self.level,
            used,
            slow_from: match self.level {
                MemoryPressure::Calm => self.percent(self.slow).saturating_sub(uncounted),
                _ => 0,
            },
            refuse_from: match self.level {
                MemoryPressure::Refuse => 0,
                _ => self.percent(REFUSE).saturating_sub(uncounted),
            },
        }
    }

    fn used(&self, resident: usize, counted: usize) -> usize {
        counted.max(resident.saturating_sub(self.kept))
    }

    fn follow_allocator(&mut self, resident: usize, counted: usize) {
        if let Some((resident_before, counted_before)) = self.last.replace((resident, counted)) {
            // The process grew by this many bytes more than the count, or shrank by this many bytes
            // less.
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MIB: usize = 1 << 20;
    const BUDGET: usize = 100 * MIB;
    const GRACE: Duration = Duration::from_millis(1_000);

    /// Stands for a process whose allocator keeps what is freed, with a clock of its own.
    struct Process {
        watch: MemoryMonitor,
        now: Duration,
    }

    impl Process {
        fn new() -> Self {
            Process { watch: MemoryMonitor::new(BUDGET, GRACE), now: Duration::ZERO }
        }

        fn observe(&mut self, resident: usize, held: usize) -> MemoryDecision {
            self.now += Duration::from_millis(50);
            let sample = MemorySample {
                resident: resident * MIB,
                held: held * MIB,
                ..MemorySample::default()
            };
            self.watch.observe(self.now, sample)
        }
    }

    #[test]
    fn publishers_are_slowed_then_refused_then_left_alone() {
        let mut process = Process::new();
        let first = process.observe(10, 5);
        assert_eq!((first.level, first.used), (MemoryPressure::Calm, 10 * MIB));
        // 5 MiB are not counted, so 75 MiB may be held before publishers wait.
        assert_eq!((first.slow_from, first.refuse_from), (75 * MIB, 90 * MIB));
        assert_eq!(process.observe(82, 77).level, MemoryPressure::Slow);
        assert_eq!(process.observe(96, 91).level, MemoryPressure::Refuse);
        assert_eq!(process.observe(85, 80).level, MemoryPressure::Refuse);
        assert_eq!(process.observe(78, 73).level, MemoryPressure::Slow);
        assert_eq!(process.observe(60, 55).level, MemoryPressure::Calm);
    }

    #[test]
    fn what_the_allocator_keeps_is_free() {
        let mut process = Process::new();
        process.observe(10, 5);
        assert_eq!(process.observe(90, 85).level, MemoryPressure::Slow);
        let drained = process.observe(90, 5);
        assert_eq!((drained.level, drained.used), (MemoryPressure::Calm, 10 * MIB));
        // The process uses the kept memory again without growing, and memory is short again when
        // all of it is used.
        assert_eq!(process.observe(90, 40).used, 45 * MIB);
        assert_eq!(process.observe(90, 85).level, MemoryPressure::Slow);
        assert_eq!(process.observe(97, 92).level, MemoryPressure::Refuse);
    }

    #[test]
    fn what_the_process_needs_for_itself_is_never_taken_for_kept() {
        let mut process = Process::new();
        process.observe(25, 0);
        assert_eq!(process.observe(73, 48).used, 73 * MIB);
        assert_eq!(process.observe(85, 48).level, MemoryPressure::Slow);
        // Nothing changes for a long time, so the memory beside the count is taken for memory that
        // the allocator keeps.
        let decision = (0..60).map(|_| process.observe(85, 48)).last().unwrap();
        assert_eq!((decision.level, decision.used), (MemoryPressure::Refuse, 73 * MIB));
    }

    /// The allocator takes new memory here although it keeps some.
    #[test]
    fn close_to_the_budget_publishers_wait_earlier_and_go_on_all_the_same() {
        let mut process = Process::new();
        process.observe(10, 5);
        process.observe(80, 75);
        for _ in 0..30 {
            process.observe(92, 5);
        }
        let calm = process.observe(92, 5);
        assert_eq!((calm.level, calm.used), (MemoryPressure::Calm, 22 * MIB));
        assert_eq!(calm.slow_from, (60 - 17) * MIB);
        let recovered = (0..30).map(|_| process.observe(40, 5)).last().unwrap();
        assert_eq!(recovered.slow_from + recovered.used, (80 + 5) * MIB);
    }

    #[test]
    fn what_is_not_counted_counts_all_the_same() {
        let mut process = Process::new();
        process.observe(10, 5);
        assert_eq!(process.observe(50, 5).used, 50 * MIB);
        let decision = process.observe(82, 5);
        assert_eq!((decision.level, decision.slow_from), (MemoryPressure::Slow, 0));
    }

    #[test]
    fn what_does_not_shrink_is_refused_after_a_time() {
        let mut process = Process::new();
        process.observe(10, 5);
        assert_eq!(process.observe(85, 80).level, MemoryPressure::Slow);
        let looks = (0..20).map(|_| process.observe(85, 80).level).collect::<Vec<_>>();
        assert_eq!((looks[0], looks[19]), (MemoryPressure::Slow, MemoryPressure::Refuse));
    }

    #[test]
    fn as_long_as_it_shrinks_nobody_is_refused() {
        let mut process = Process::new();
        process.observe(10, 5);
        process.observe(93, 88);
        for step in 0..60 {
            let held = 87 - step / 5 * 2;
            assert_ne!(process.observe(held + 5, held).level, MemoryPressure::Refuse, "{step}");
        }
    }

    proptest! {
        /// Publishers go on after the grace when little is held any more, whatever came before.
        /// This is so even if the process never shrinks.
        #[test]
        fn it_always_becomes_calm(
            steps in proptest::collection::vec((0..110_usize, 0..30_usize), 1..60),
            left in 0..20_usize,
        ) {
            let mut process = Process::new();
            let mut resident = 0;
            for (held, other) in steps {
                resident = resident.max(held + other);
                process.observe(resident, held);
            }
            resident = resident.max(left);
            let calm = (0..60).any(|_| process.observe(resident, left).level == MemoryPressure::Calm);
            prop_assert!(calm);
        }

        /// Memory that grows and is not counted is never taken for kept memory.
        #[test]
        fn it_is_not_calm_while_it_grows(
            held in 0..20_usize,
            base in 1..20_usize,
            steps in proptest::collection::vec(2..10_usize, 1..60),
        ) {
            let mut process = Process::new();
            let mut resident = held + base;
            process.observe(resident, held);
            for grows in steps {
                resident += grows;
                let decision = process.observe(resident, held);
                prop_assert!(decision.level != MemoryPressure::Calm || resident < 80);
                prop_assert_eq!(decision.used, resident * MIB);
            }
        }

        /// The monitor is never calm with more in use than the budget allows.
        #[test]
        fn it_is_not_calm_over_the_mark(
            steps in proptest::collection::vec(0..130_usize, 1..60),
        ) {
            let mut process = Process::new();
            for held in steps {
                let decision = process.observe(held + 3, held);
                prop_assert!(decision.level != MemoryPressure::Calm || held + 3 < 80);
                prop_assert!(decision.level == MemoryPressure::Refuse || held + 3 < 95);
            }
        }
    }
}
