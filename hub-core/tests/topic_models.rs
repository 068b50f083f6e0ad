//! Claim: whatever order the threads come in, and whatever a weak memory model lets each of them
//! see, no event that was appended stays unwritten, nobody who waits is forgotten, every
//! subscriber is told one order, and the ledger balances.
//!
//! These are not models of the topic engine: the sources of `topic` are built once more here, with
//! the locks and atomics of `loom` in place of the real ones (`sync.rs`), and loom runs each test
//! in every order with up to a few preemptions. Counters that order nothing are left as they are.
#![cfg(feature = "actors")]
#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use hub_core::{scrub, wire};

#[path = "topic_models/line.rs"]
mod line;
#[path = "topic_models/sync.rs"]
mod sync;
#[allow(dead_code, unreachable_pub, unused_imports, reason = "a part of it is used here")]
#[path = "../src/topic/mod.rs"]
mod topic;

use line::{Line, Sleeper, gathered, share, single};
use loom::thread;
use std::sync::Arc;
use std::time::Duration;
use topic::{
    Ledger, Outlet, Published, Registry, SubscriptionEntry, Topic, TopicFilter, TopicName,
    TopicSettings, Touched,
};
use wire::{Frame, Overflow, Start};

/// Runs `model` in every order in which threads are interrupted at most `preemptions` times.
fn check(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(preemptions);
    builder.max_branches = 10_000;
    let orders = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let count = orders.clone();
    builder.check(move || {
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        model();
    });
    eprintln!("{orders:?} orders");
}

const LIMIT: usize = 4_000;

/// Two threads append and flush what they were the first to touch; a socket takes everything.
#[test]
fn nothing_that_was_appended_stays_unwritten() {
    check(3, || {
        let ledger = Arc::<Ledger>::default();
        let line = Arc::new(Line::new(1, 1 << 20, usize::MAX, &ledger));
        let other = line.clone();
        let thread = thread::spawn(move || other.append(single("b", 1, Overflow::Block)));
        (1..=2).for_each(|number| line.append(single("a", number, Overflow::Block)));
        thread.join().unwrap();
        assert_eq!(line.queue().queued_bytes(), 0, "everybody is through");
        let counts = ledger.counts();
        assert_eq!((counts.delivered, counts.pending()), (3, 0));
        let told = line.told();
        let of = |topic| told.iter().filter(move |(_, of)| of == topic).map(|(n, _)| *n);
        assert_eq!((Vec::from_iter(of("a")), Vec::from_iter(of("b"))), (vec![1, 2], vec![1]));
    });
}
