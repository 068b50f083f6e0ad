//! What the tests of the emitter share.

#![allow(dead_code, reason = "each test file uses a part of it")]

use hub_core::Event;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[event(topic = "orders.placed")]
pub struct OrderPlaced {
    pub number: u64,
}

pub fn order(number: u64) -> OrderPlaced {
    OrderPlaced { number }
}

/// A channel to see what listeners do, in the order in which they do it.
pub fn log<T>() -> (UnboundedSender<T>, UnboundedReceiver<T>) {
    unbounded_channel()
}

/// The next `count` entries of a log.
pub async fn take<T>(log: &mut UnboundedReceiver<T>, count: usize) -> Vec<T> {
    let mut taken = Vec::with_capacity(count);
    while taken.len() < count {
        taken.push(log.recv().await.expect("the log ended too early"));
    }
    taken
}

/// Lets all tasks of a single-threaded test do what they can do now.
pub async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// Counts how many are inside at once, and the most that ever were.
#[derive(Clone, Default)]
pub struct Crowd(Arc<(AtomicUsize, AtomicUsize)>);

impl Crowd {
    pub fn enter(&self) -> Inside {
        let now = self.0.0.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.1.fetch_max(now, Ordering::SeqCst);
        Inside(self.clone())
    }

    pub fn most(&self) -> usize {
        self.0.1.load(Ordering::SeqCst)
    }
}

pub struct Inside(Crowd);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}
