//! Says how long the delays of the well-behaved pairs may be, from what is measured in the same run.
//!
//! A bound in milliseconds would fail on a slow machine, and find nothing on a fast one.

use crate::good::{Fared, Pairs};
use crate::greedy::yield_to_others;
use crate::wire::wait_until;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The pairs run so long undisturbed, and so long beside idle loops. It is enough for 1,500 events.
const UNDISTURBED: Duration = Duration::from_secs(3);

/// No p99 counts as shorter than this: below it, the scheduler of the machine decides, and not the hub.
const SHORTEST_P99: Duration = Duration::from_millis(3);

/// By how many times the p99 of the well-behaved pairs may grow.
const SLOWER: u32 = 5;

/// A round counts as slow if the pairs missed the bound in so many runs of it, one after the other.
pub(crate) const RUNS: usize = 3;

/// Says how the pairs fare while nobody is greedy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Undisturbed {
    p99: Duration,
    /// The p99 beside as many idle loops of the lowest priority as the machine has processors.
    beside_loops: Duration,
}

impl Undisturbed {
    /// Measures the pairs for six seconds, and prints what it saw.
    pub(crate) fn measure(pairs: &Pairs) -> Undisturbed {
        let calm = undisturbed(pairs);
        let stop = Arc::new(AtomicBool::new(false));
        let loops = idle_loops(&stop);
        let busy = undisturbed(pairs);
        stop.store(true, Ordering::Relaxed);
        loops.into_iter().for_each(|thread| thread.join().unwrap());
        eprintln!(
            "undisturbed: p50 {:.1?}, p99 {:.1?}, at most {:.1?}; p99 beside idle loops {:.1?}",
            calm.p50, calm.p99, calm.most, busy.p99,
        );
        Undisturbed { p99: calm.p99, beside_loops: busy.p99 }
    }

    /// Returns the longer p99 of two measurements.
    pub(crate) fn or_slower(self, other: Undisturbed) -> Undisturbed {
        Undisturbed {
            p99: self.p99.max(other.p99),
            beside_loops: self.beside_loops.max(other.beside_loops),
        }
    }

    /// Returns how long the p99 may be while others are greedy.
    pub(crate) fn bound(&self) -> Duration {
        self.p99.max(SHORTEST_P99) * SLOWER + self.beside_loops
    }

    /// Returns a description of the delays if they were above the bound.
    pub(crate) fn objects_to(&self, fared: &Fared) -> Option<String> {
        let Fared { p99, most, slowest, .. } = fared;
        let bound = self.bound();
        (*p99 > bound).then(|| {
            format!("DELAY: p99 {p99:.1?}, the bound is {bound:.1?}; at most {most:.1?} (pair {slowest})")
        })
    }
}

/// Returns whether delays above the bound are faults.
pub(crate) fn are_judged() -> bool {
    std::env::var("HUB_TEST_DELAYS").is_ok_and(|delays| delays == "judged")
}

/// Returns how the pairs fare while nobody is greedy.
fn undisturbed(pairs: &Pairs) -> Fared {
    let from = Instant::now();
    std::thread::sleep(UNDISTURBED);
    let to = Instant::now();
    wait_until("all have arrived", || pairs.fared(from, to).missing == 0);
    let fared = pairs.fared(from, to);
    assert!(fared.incidents.is_empty(), "undisturbed: {fared:?}");
    fared
}

/// Keeps each processor busy with a thread of the lowest priority.
fn idle_loops(stop: &Arc<AtomicBool>) -> Vec<std::thread::JoinHandle<()>> {
    let count = std::thread::available_parallelism().map_or(2, usize::from);
    let idle = |_| {
        let stop = stop.clone();
        std::thread::spawn(move || {
            yield_to_others();
            while !stop.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        })
    };
    (0..count).map(idle).collect()
}
