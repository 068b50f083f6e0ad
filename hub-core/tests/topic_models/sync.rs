//! The locks and atomics of the model checker, under the names of `hub-core/src/sync.rs`.

pub(crate) use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The number is as small as possible, so that publishers come in between.
pub(crate) const REPLAY_STEP_RUNS: usize = 1;

use std::ops::{Deref, DerefMut};

/// A lock with the interface of `parking_lot`'s, which is no stronger than that one.
///
/// The checker's own `try_lock` always knows whether the lock is taken. The real one loads a flag
/// first, and that may be out of date: it can find a lock taken that its owner has let go of.
#[derive(Debug)]
pub(crate) struct Mutex<T> {
    lock: loom::sync::Mutex<T>,
    taken: AtomicBool,
}

pub(crate) struct MutexGuard<'a, T> {
    value: loom::sync::MutexGuard<'a, T>,
    taken: &'a AtomicBool,
}

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Mutex { lock: loom::sync::Mutex::new(value), taken: AtomicBool::new(false) }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.guard(self.lock.lock().unwrap())
    }

    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        if self.taken.load(Ordering::Relaxed) {
            return None;
        }
        Some(self.guard(self.lock.try_lock().ok()?))
    }

    fn guard<'a>(&'a self, value: loom::sync::MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.taken.store(true, Ordering::Relaxed);
        MutexGuard { value, taken: &self.taken }
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Mutex::new(T::default())
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        // The flag changes before the lock is released. Otherwise it could hide that another thread
        // has taken the lock.
        self.taken.store(false, Ordering::Release);
    }
}
