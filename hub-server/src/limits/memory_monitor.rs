//! Decides from samples whether memory is short. Without the monitor, the hub would notice what it does
//! not count only when the system ends it.

use super::memory::{MemoryDecision, MemoryPressure};
use super::memory_sample::MemorySample;
use std::time::Duration;

/// From this percentage of the budget on, clients that hold more than their share wait.
const SLOW: usize = 80;
/// From this percentage of the budget on, all publishers wait.
const STOP: usize = 90;
/// From this percentage of the budget on, those who would wait are refused.
const REFUSE: usize = 95;
/// From this percentage of the budget on, also owners wait that hold no more than is reserved for each. All
/// reserves together, and what was read before a publisher notices that it has to wait, fit between
/// [`STOP`] and this line.
const FULL: usize = 100;
/// Memory is not short any more below this percentage of the budget.
const CALM: usize = 70;
/// While clients together hold less than this percentage of the budget, those within their share neither
/// wait nor are refused. Whatever fills the memory, it is not what they hold, so refusing them would free
/// nothing, and the hub would serve nobody.
const ALWAYS: usize = 6;
/// When memory was short, what is left below this percentage of the budget may stay. The distance to [`SLOW`] is
/// more than what the allocator gives back now and then, so that a client that holds too much does not stay
/// because of that.
const STAYS: usize = 77;

/// Returns whether there is room in a budget for what is promised. If it is hardly clients that fill the
/// memory, nobody could make room, so there is no use in waiting.
pub(super) fn has_room(sample: &MemorySample, budget: usize) -> bool {
    sample.wanted() <= budget / 100 * STOP || sample.held < budget / 100 * ALWAYS
}

/// Decides from samples whether memory is short. The monitor has no clock, so each call states the
/// time.
#[derive(Debug)]
pub(crate) struct MemoryMonitor {
    budget: usize,
    grace: Duration,
    level: MemoryPressure,
    /// Holds the smallest use since memory became short, and the time at which it was reached. A use
    /// that is smaller by less than a 64th of the budget does not count.
    least: (usize, Duration),
    /// Since this time, memory is short, and the use was never below the calm line.
    short_since: Option<Duration>,
}

impl MemoryMonitor {
    pub(crate) fn new(budget: usize, grace: Duration) -> Self {
        let least = (0, Duration::ZERO);
        MemoryMonitor { budget, grace, level: MemoryPressure::Calm, least, short_since: None }
    }

    fn percent(&self, percent: usize) -> usize {
        self.budget / 100 * percent
    }

    pub(crate) fn observe(&mut self, now: Duration, sample: MemorySample) -> MemoryDecision {
        // What is promised is asked of those above their share. It stops and refuses nobody else.
        let (used, wanted) = (sample.used(), sample.wanted());
        if self.level == MemoryPressure::Calm || used + self.budget / 64 < self.least.0 {
            self.least = (used, now);
        }
        let stuck_for = now.saturating_sub(self.least.1);
        let stuck = self.level != MemoryPressure::Calm && stuck_for >= self.grace;
        self.level = match self.level {
            _ if used >= self.percent(REFUSE) => MemoryPressure::Refuse,
            MemoryPressure::Calm if wanted >= self.percent(SLOW) => MemoryPressure::Slow,
            MemoryPressure::Calm => MemoryPressure::Calm,
            _ if wanted < self.percent(CALM) => MemoryPressure::Calm,
            // What is left may stay. Refusing would not bring it back, and it is no shortage.
            _ if stuck && wanted < self.percent(STAYS) => MemoryPressure::Calm,
            _ if stuck => MemoryPressure::Refuse,
            MemoryPressure::Refuse if used < self.percent(SLOW) => MemoryPressure::Slow,
            same => same,
        };
        if wanted < self.percent(CALM) {
            self.short_since = None;
        } else if self.level != MemoryPressure::Calm {
            self.short_since.get_or_insert(now);
        }
        let short_for = self.short_since.map_or(Duration::ZERO, |since| now.saturating_sub(since));
        let from = |percent| self.percent(percent).saturating_sub(sample.uncounted());
        let calm = self.level == MemoryPressure::Calm;
        let refuses = self.level == MemoryPressure::Refuse;
        MemoryDecision {
            level: self.level,
            used,
            slow_from: if calm { from(SLOW).saturating_sub(sample.promised) } else { 0 },
            // An owner above its share is asked down to this line, so it gets nothing more above it.
            crowded_from: from(if calm { SLOW } else { STAYS }),
            stop_from: from(STOP).max(self.percent(ALWAYS)),
            refuse_from: if refuses { 0 } else { from(REFUSE) },
            refuse_all_from: from(REFUSE).max(self.percent(ALWAYS)),
            full_from: from(FULL).max(self.percent(ALWAYS)),
            // A small dip wins nobody time.
            ends: !calm && wanted >= self.percent(STAYS) && short_for >= 2 * self.grace,
            stuck,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MIB: usize = 1 << 20;
    const BUDGET: usize = 100 * MIB;
    const GRACE: Duration = Duration::from_millis(1_000);

    /// Stands for a process, with a clock of its own.
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
            let sample = MemorySample { resident: resident * MIB, held: held * MIB, promised: 0 };
            self.watch.observe(self.now, sample)
        }
    }

    #[test]
    fn publishers_are_slowed_then_refused_then_left_alone() {
        let mut process = Process::new();
        let first = process.observe(10, 5);
        assert_eq!((first.level, first.used), (MemoryPressure::Calm, 10 * MIB));
        // 5 MiB are not counted, so 75 MiB may be held before those above their share wait.
        assert_eq!((first.slow_from, first.refuse_from), (75 * MIB, 90 * MIB));
        assert_eq!((first.crowded_from, first.stop_from), (75 * MIB, 85 * MIB));
        let short = process.observe(82, 77);
        assert_eq!((short.level, short.crowded_from), (MemoryPressure::Slow, 72 * MIB));
        assert_eq!(process.observe(96, 91).level, MemoryPressure::Refuse);
        assert_eq!(process.observe(85, 80).level, MemoryPressure::Refuse);
        assert_eq!(process.observe(78, 73).level, MemoryPressure::Slow);
        assert_eq!(process.observe(60, 55).level, MemoryPressure::Calm);
    }

    #[test]
    fn what_is_not_counted_counts_all_the_same() {
        let mut process = Process::new();
        process.observe(10, 5);
        assert_eq!(process.observe(50, 5).used, 50 * MIB);
        let decision = process.observe(82, 5);
        assert_eq!((decision.level, decision.slow_from), (MemoryPressure::Slow, 0));
        // Nothing turns it into free memory but that the process gives it back.
        let later = (0..100).map(|_| process.observe(82, 5)).last().unwrap();
        assert_eq!((later.level, later.used), (MemoryPressure::Refuse, 82 * MIB));
        assert_eq!(process.observe(20, 5).level, MemoryPressure::Calm);
    }

    #[test]
    fn what_is_promised_is_asked_of_those_above_their_share_and_refuses_nobody() {
        let mut process = Process::new();
        let sample = |resident, held, promised| MemorySample {
            resident: resident * MIB,
            held: held * MIB,
            promised: promised * MIB,
        };
        let without = process.observe(75, 70);
        let with = process.watch.observe(process.now, sample(75, 70, 20));
        assert_eq!((without.level, with.level), (MemoryPressure::Calm, MemoryPressure::Slow));
        assert_eq!((with.slow_from, with.used), (0, 75 * MIB));
        let others = |of: MemoryDecision| (of.stop_from, of.refuse_all_from, of.full_from);
        assert_eq!(others(with), others(without));
        let has_room = |resident, held| has_room(&sample(resident, held, 20), BUDGET);
        assert!(!has_room(75, 70) && has_room(65, 60));
        assert!(has_room(95, 5), "nobody could make room");
    }

    #[test]
    fn whoever_is_within_the_share_is_served_whatever_fills_the_memory() {
        let mut process = Process::new();
        process.observe(10, 5);
        for _ in 0..100 {
            let full = process.observe(99, 1);
            assert_eq!((full.stop_from, full.refuse_all_from), (6 * MIB, 6 * MIB));
        }
    }

    #[test]
    fn what_does_not_shrink_is_refused_after_a_time_and_ended_after_another() {
        let mut process = Process::new();
        process.observe(10, 5);
        assert_eq!(process.observe(85, 80).level, MemoryPressure::Slow);
        let looks = (0..40).map(|_| process.observe(85, 80)).collect::<Vec<_>>();
        let levels = (looks[0].level, looks[19].level);
        assert_eq!(levels, (MemoryPressure::Slow, MemoryPressure::Refuse));
        assert_eq!((looks[19].ends, looks[39].ends), (false, true));
    }

    #[test]
    fn what_does_not_shrink_and_is_no_shortage_may_stay() {
        let mut process = Process::new();
        process.observe(85, 80);
        let looks = (0..60).map(|_| process.observe(75, 70)).collect::<Vec<_>>();
        assert!(looks.iter().all(|look| look.level != MemoryPressure::Refuse && !look.ends));
        assert_eq!((looks[0].level, looks[59].level), (MemoryPressure::Slow, MemoryPressure::Calm));
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
        /// Publishers go on as soon as the process is small again, whatever came before.
        #[test]
        fn it_always_becomes_calm(
            steps in proptest::collection::vec((0..110_usize, 0..30_usize), 1..60),
            left in 0..70_usize,
        ) {
            let mut process = Process::new();
            for (held, other) in steps {
                process.observe(held + other, held);
            }
            prop_assert_eq!(process.observe(left, left).level, MemoryPressure::Calm);
        }

        /// All that is resident is used, whatever was counted before.
        #[test]
        fn nothing_that_is_resident_is_taken_for_free(
            steps in proptest::collection::vec((0..130_usize, 0..130_usize), 1..60),
        ) {
            let mut process = Process::new();
            for (resident, held) in steps {
                let decision = process.observe(resident, held);
                prop_assert_eq!(decision.used, resident.max(held) * MIB);
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
