//! Lists the topics whose replays wait for one subscription, in the order in which they began.
//!
//! Without this order, the room that a subscriber makes would go to all its replays at a time, and none
//! would get on.

use crate::sync::{AtomicBool, Mutex, Ordering};
use std::any::Any;
use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::task::Waker;

/// Stands for a topic. A topic knows its subscriptions, so a subscription must not know the type of a
/// topic.
pub(super) type WaitingTopic = Weak<dyn Any + Send + Sync>;

/// Lists the topics whose replays wait for room in the queue of one subscription.
#[derive(Debug, Default)]
pub struct WaitingReplays {
    line: Mutex<Line>,
    /// If this is true, the client still gets what waits when the subscription ends.
    drains: AtomicBool,
}

#[derive(Debug, Default)]
struct Line {
    topics: VecDeque<WaitingTopic>,
    /// The queue of the connection wakes this waker when it has drained.
    waker: Option<Waker>,
}

impl WaitingReplays {
    /// States that the client gets what waits for the subscription, although it ends. What its
    /// replays have not handed over yet becomes a gap.
    pub fn drain(&self) {
        self.drains.store(true, Ordering::Relaxed);
    }

    pub(super) fn drains(&self) -> bool {
        self.drains.load(Ordering::Relaxed)
    }

    pub(super) fn push(&self, topic: WaitingTopic) {
        self.line.lock().topics.push_back(topic);
    }

    /// Returns the topic whose replay has waited for longest.
    pub(super) fn first(&self) -> Option<Arc<dyn Any + Send + Sync>> {
        let line = &mut *self.line.lock();
        loop {
            match line.topics.front()?.upgrade() {
                Some(topic) => return Some(topic),
                None => drop(line.topics.pop_front()),
            }
        }
    }

    /// Removes a topic, which is usually the first.
    pub(super) fn remove(&self, topic: *const ()) {
        let topics = &mut self.line.lock().topics;
        if let Some(at) = topics.iter().position(|known| std::ptr::eq(known.as_ptr().cast(), topic))
        {
            topics.remove(at);
        }
        if topics.is_empty() {
            *topics = VecDeque::new();
        }
    }

    /// Returns the waker of the list, which `make` makes for the first time.
    pub(super) fn waker(&self, make: impl FnOnce() -> Waker) -> Waker {
        self.line.lock().waker.get_or_insert_with(make).clone()
    }
}
