//! Helpers for the tests of emitters: event types, and logs of what listeners do.

#![allow(dead_code, reason = "each test file uses a part of it")]

use hub_core::Event;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[event(topic = "orders.placed")]
pub(crate) struct OrderPlaced {
    pub(crate) number: u64,
}

pub(crate) fn order(number: u64) -> OrderPlaced {
    OrderPlaced { number }
}

/// A channel to see what listeners do, in the order in which they do it.
pub(crate) fn log<T>() -> (UnboundedSender<T>, UnboundedReceiver<T>) {
    unbounded_channel()
}

/// The next `count` entries of a log.
pub(crate) async fn take<T>(log: &mut UnboundedReceiver<T>, count: usize) -> Vec<T> {
    let mut taken = Vec::with_capacity(count);
    while taken.len() < count {
        taken.push(log.recv().await.expect("the log ended too early"));
    }
    taken
}

/// Lets all tasks of a single-threaded test do what they can do now.
pub(crate) async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// Counts how many are inside at once, and the most that ever were.
#[derive(Clone, Default)]
pub(crate) struct Crowd(Arc<(AtomicUsize, AtomicUsize)>);

impl Crowd {
    pub(crate) fn enter(&self) -> Inside {
        let now = self.0.0.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.1.fetch_max(now, Ordering::SeqCst);
        Inside(self.clone())
    }

    pub(crate) fn most(&self) -> usize {
        self.0.1.load(Ordering::SeqCst)
    }
}

pub(crate) struct Inside(Crowd);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}
