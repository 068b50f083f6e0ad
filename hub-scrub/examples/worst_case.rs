//! Searches for the messages that take longest to scrub, and prints them as lines of the corpus.
//!
//! Without it, nobody would know whether a step of the budget still stands for the time that it should:
//! the tests count steps, and only this search reads a clock.
//!
//! ```sh
//! cargo run --release -p hub-scrub --example worst_case -- --seconds 600 --seed 1
//! ```
//!
//! A message that takes more than 10 ms (1 MB) or 5 ms (64 KiB) is reported, with its steps and the time of one
//! step. A machine of half the speed takes twice that.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a tool for the terminal")]

#[path = "../tests/integration/worst_case/mod.rs"]
mod worst_case;

use hub_scrub::{Plan, Scratch};
use hub_wire::TopicName;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};
use worst_case::{Recipe, Search, corpus, rules};

/// The sizes of the messages, each with the longest time that a scrub should take.
const SIZES: [(usize, Duration); 2] =
    [(64 << 10, Duration::from_millis(5)), (1 << 20, Duration::from_millis(10))];

/// Returns how long this thread has had a processor. Other programs on the machine do not count, as they would
/// on a clock. The kernel writes the time in nanoseconds; where it does not, the clock has to do.
fn busy() -> Duration {
    static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = stat.as_deref().and_then(|stat| stat.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| BEGIN.elapsed(), Duration::from_nanos)
}

/// Returns the time that one scrub takes, the least of some, and its steps.
fn measure(plan: &Plan, message: &[u8], times: usize, scratch: &mut Scratch) -> (Duration, u64) {
    let least = (0..times).map(|_| {
        let begin = busy();
        let _ = plan.scrub(message, None, scratch);
        busy() - begin
    });
    (least.min().unwrap_or_default(), scratch.steps())
}

fn option(name: &str, default: u64) -> u64 {
    let mut args = std::env::args().skip_while(|arg| arg != name).skip(1);
    args.next().map_or(default, |value| value.parse().expect("a number"))
}

fn main() {
    let (seconds, seed) = (option("--seconds", 60), option("--seed", 1));
    let end = Instant::now() + Duration::from_secs(seconds);
    let plans: Vec<(&str, Arc<Plan>)> = rules::FILES
        .iter()
        .map(|(name, text)| {
            let topic = TopicName::parse("orders.placed").unwrap();
            (*name, rules::load(text, 1_000_000, 10_000).plan(&topic))
        })
        .collect();
    let mut scratch = Scratch::default();
    let share = Duration::from_secs(seconds) / (plans.len() * SIZES.len()) as u32;
    for (name, plan) in &plans {
        for (size, most) in SIZES {
            let begin = Instant::now();
            let mut turns = 0;
            let mut cost = |recipe: &Recipe| {
                let (time, _) = measure(plan, &recipe.message(size), 2, &mut scratch);
                time.as_nanos() as u64
            };
            let mut search = Search::new(seed, corpus(), &mut cost);
            while begin.elapsed() < share && Instant::now() < end {
                search.turn(&mut cost);
                turns += 1;
            }
            println!("# {name}, {size} bytes, {turns} turns");
            for (_, recipe) in &search.worst {
                let (time, steps) = measure(plan, &recipe.message(size), 5, &mut scratch);
                let step = time.as_nanos() as u64 / steps.max(1);
                let late = if time > most { "# TOO LONG " } else { "# " };
                println!("{late}{time:.1?}, {steps} steps of {step} ns\n{recipe}");
            }
        }
    }
}
