//! Whoever waits for a queue to drain.
//!
//! Without it, publishers would have to ask a full queue again and again.

use crate::sync::Mutex;
use std::task::Waker;

/// Who waits for a queue to drain.
#[derive(Debug, Default)]
pub(super) struct Waiters(Mutex<Vec<Waker>>);

impl Waiters {
    /// Has `waker` woken once.
    pub(super) fn add(&self, waker: &Waker) {
        let mut waiting = self.0.lock();
        if !waiting.iter().any(|known| known.will_wake(waker)) {
            waiting.push(waker.clone());
        }
    }

    /// Wakes everyone. Not under the lock: a waker can be code of any kind.
    pub(super) fn wake(&self) {
        let waiting = std::mem::take(&mut *self.0.lock());
        waiting.into_iter().for_each(Waker::wake);
    }
}
