//! Searches for the messages that take longest to scrub, and prints them as lines of the corpus.
//!
//! Without it, nobody would know whether a step of the budget still stands for the time that it should:
//! the tests count steps, and only this search reads a clock.
//!
//! ```sh
//! cargo run --release -p hub-scrub --example worst_case -- --seconds 600 --seed 1
//! ```
//!
//! It searches twice. Guided by the time of a message under the budget that a rule file has by default, it reports
//! each message that takes more than 5 ms (64 KiB) or 10 ms (1 MiB). Guided by the time of one step, without a
//! budget, it reports work that is charged too little: a step is meant to take at most [`MOST_OF_A_STEP`].
//!
//! The times are those of this machine while nothing else uses its caches and the other half of its core. A
//! neighbour there slows down everything by up to two, so each time is measured beside that of a log of which it
//! is known how fast it can be scrubbed ([`Processor`]). A machine of half the speed takes twice these times.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a tool for the terminal")]

#[path = "../tests/integration/worst_case/mod.rs"]
mod worst_case;

use hub_scrub::{Budget, Plan, Scratch};
use hub_wire::TopicName;
use rustix::time::{ClockId, clock_gettime};
use std::sync::Arc;
use std::time::{Duration, Instant};
use worst_case::{Recipe, Search, corpus, rules};

/// A step takes at most this many nanoseconds.
const MOST_OF_A_STEP: u64 = 11;

/// Messages that take fewer steps tell nothing about the time of a step.
const FEWEST_STEPS: u64 = 20_000;

/// A `Goal` is what a search looks for.
#[derive(Clone, Copy)]
enum Goal {
    /// Messages of this many bytes that take longer than this time under the default budget.
    Late(usize, Duration),
    /// Messages of this many bytes whose steps take longer than [`MOST_OF_A_STEP`].
    SlowSteps(usize),
}

const GOALS: [Goal; 3] = [
    Goal::SlowSteps(16 << 10),
    Goal::Late(64 << 10, Duration::from_millis(5)),
    Goal::Late(1 << 20, Duration::from_millis(10)),
];

/// Returns how long this thread has had a processor. Other programs on the machine do not count, as they would
/// on a clock.
fn busy() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// A `Processor` measures how long scrubs take, as if the machine did nothing else.
struct Processor {
    scratch: Scratch,
    plan: Arc<Plan>,
    log: Vec<u8>,
    /// The least time that a scrub of the log has taken yet.
    least: Duration,
}

impl Processor {
    fn new() -> Processor {
        let line = |n: u64| {
            let (host, order) = (n * 37 % 251, n * 7919 % 99_991);
            format!("2026-11-30T02:14:{:02}Z GET /orders/{order} from 10.2.7.{host}\n", n % 60)
        };
        let mut log = Vec::new();
        hub_wire::Packer(&mut log).str(&(0..120).map(line).collect::<String>());
        let plan = Goal::SlowSteps(0).plan(rules::FILES[0].1);
        let mut processor =
            Processor { scratch: Scratch::default(), plan, log, least: Duration::MAX };
        for _ in 0..5_000 {
            processor.slowness();
        }
        processor
    }

    /// Returns how much slower than possible this machine is at this moment.
    fn slowness(&mut self) -> f64 {
        let begin = busy();
        let _ = self.plan.scrub(&self.log, None, &mut self.scratch);
        let time = busy() - begin;
        self.least = self.least.min(time);
        time.as_secs_f64() / self.least.as_secs_f64()
    }

    /// Returns the time that one scrub takes, the least of some, and its steps.
    fn measure(&mut self, plan: &Plan, message: &[u8], times: usize) -> (Duration, u64) {
        let mut before = self.slowness();
        let mut least = Duration::MAX;
        let mut steps = 0;
        for _ in 0..times {
            let begin = busy();
            let _ = plan.scrub(message, None, &mut self.scratch);
            let time = busy() - begin;
            steps = self.scratch.steps();
            let after = self.slowness();
            // A neighbour that came or went in between cannot be told from a slow message, so the larger counts.
            least = least.min(time.div_f64(before.max(after)));
            before = after;
        }
        (least, steps)
    }
}

/// Returns the time of one step, in hundredths of a nanosecond.
fn of_a_step((time, steps): (Duration, u64)) -> u64 {
    time.as_nanos() as u64 * 100 / steps.max(FEWEST_STEPS)
}

impl Goal {
    fn plan(self, rules: &str) -> Arc<Plan> {
        let steps = match self {
            Goal::Late(..) => Budget::default().steps,
            Goal::SlowSteps(_) => 1 << 40,
        };
        let topic = TopicName::parse("orders.placed").unwrap();
        rules::load(rules, steps, Budget::default().matches).plan(&topic)
    }

    fn size(self) -> usize {
        match self {
            Goal::Late(size, _) | Goal::SlowSteps(size) => size,
        }
    }

    fn cost(self, measured: (Duration, u64)) -> u64 {
        match self {
            Goal::Late(..) => measured.0.as_nanos() as u64,
            Goal::SlowSteps(_) => of_a_step(measured),
        }
    }

    fn is_exceeded(self, measured: (Duration, u64)) -> bool {
        match self {
            Goal::Late(_, most) => measured.0 > most,
            Goal::SlowSteps(_) => of_a_step(measured) > MOST_OF_A_STEP * 100,
        }
    }
}

fn option(name: &str, default: u64) -> u64 {
    let mut args = std::env::args().skip_while(|arg| arg != name).skip(1);
    args.next().map_or(default, |value| value.parse().expect("a number"))
}

fn main() {
    let (seconds, seed) = (option("--seconds", 60), option("--seed", 1));
    let mut processor = Processor::new();
    let share = Duration::from_secs(seconds) / (rules::FILES.len() * GOALS.len()) as u32;
    for (name, text) in rules::FILES {
        for goal in GOALS {
            let (plan, size) = (goal.plan(text), goal.size());
            let begin = Instant::now();
            let mut turns = 0;
            let mut cost =
                |recipe: &Recipe| goal.cost(processor.measure(&plan, &recipe.message(size), 2));
            let mut search = Search::new(seed, corpus(), &mut cost);
            while begin.elapsed() < share {
                search.turn(&mut cost);
                turns += 1;
            }
            let aim = match goal {
                Goal::Late(..) => "the default budget",
                Goal::SlowSteps(_) => "no budget",
            };
            println!("# {name}, {size} bytes, {aim}, {turns} turns");
            let measured =
                |recipe: Recipe| (processor.measure(&plan, &recipe.message(size), 7), recipe);
            let mut worst: Vec<_> =
                search.worst.into_iter().map(|one| one.1).map(measured).collect();
            worst.sort_by_key(|one| std::cmp::Reverse(goal.cost(one.0)));
            for (measured, recipe) in worst {
                let (late, step) = (goal.is_exceeded(measured), of_a_step(measured) as f64 / 100.0);
                let late = if late { "# TOO MUCH " } else { "# " };
                let (time, steps) = measured;
                println!("{late}{time:.2?}, {steps} steps of {step} ns\n{recipe}");
            }
        }
    }
}
