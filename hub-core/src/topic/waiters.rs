//! Lists the publishers that wait for a delivery queue to drain.
//!
//! Without this list, a publisher would have to check a full queue again and again.

use crate::sync::Mutex;
use std::task::Waker;

/// Holds the wakers of the publishers that wait for a queue to drain.
#[derive(Debug, Default)]
pub(super) struct Waiters(Mutex<Vec<Waker>>);

impl Waiters {
    /// Adds a waker, which is woken once. A waker that is already in the list is not added again.
    pub(super) fn add(&self, waker: &Waker) {
        let mut waiting = self.0.lock();
        if !waiting.iter().any(|known| known.will_wake(waker)) {
            waiting.push(waker.clone());
        }
    }

    /// Wakes all publishers and empties the list. It calls the wakers without its lock, because a waker
    /// may run any code.
    pub(super) fn wake(&self) {
        let waiting = std::mem::take(&mut *self.0.lock());
        waiting.into_iter().for_each(Waker::wake);
    }
}
