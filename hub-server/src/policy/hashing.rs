//! Computes the hashes of secrets. Hashes take long by design, so they are computed on threads that
//! serve no clients.
//!
//! The module has a few threads of its own, and does not use a pool. Each hash takes up to 64 MiB, and
//! an allocator keeps the memory that a thread has freed for that thread. On the threads of a pool, this
//! would add up to half a gigabyte.

use super::access::{MAX_MEMORY_KIB, free_memory};
use super::hash_queue::{HashQueue, Requester};
use crate::limits::system::yield_to_sessions;
use parking_lot::{Condvar, Mutex};
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// This many hashes are computed at a time, if the memory budget is large enough.
const AT_ONCE: usize = 2;
/// The hub never accepts a hash that takes more than this many bytes of memory.
const MOST_MEMORY: usize = MAX_MEMORY_KIB as usize * 1024;
/// All hashes that are computed at a time may take one of this many parts of the memory budget. One hash is
/// always computed, however small the budget is.
const MEMORY_PART: usize = 8;
/// A thread frees its memory when it has had nothing to do for this time.
const IDLE: Duration = Duration::from_secs(10);
/// At most this many logins of one address wait for their hash. A thousand services that connect at
/// once through one NAT all fit in.
const MOST_WAITING: usize = 1024;
/// The logins of one address that wait may take one of this many places of all connections.
const SHARE_OF_PLACES: usize = 4;
/// This many logins of one address may wait, however few places there are.
const LEAST_WAITING: usize = 16;

type Job = Box<dyn FnOnce() + Send>;

/// Reaches the threads that compute hashes. The threads end when this value is dropped.
pub(crate) struct Hashing(Arc<Shared>);

struct Shared {
    /// The value is `None` when the threads have to end.
    queue: Mutex<Option<HashQueue<Job>>>,
    changed: Condvar,
}

/// States why there is no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotHashed {
    /// Too many logins of this address wait already.
    TooMany,
    /// The work has panicked, or the hub is ending.
    Failed,
}

/// Removes a job from the queue when nobody waits for it any more.
struct Waiting {
    shared: Arc<Shared>,
    number: u64,
}

impl Hashing {
    /// Starts the threads of a hub that has `budget` bytes of memory, or any number of bytes.
    ///
    /// # Errors
    /// The operating system gave no thread.
    pub(crate) fn start(budget: Option<usize>) -> io::Result<Self> {
        let queue = Mutex::new(Some(HashQueue::new()));
        let hashing = Hashing(Arc::new(Shared { queue, changed: Condvar::new() }));
        for _ in 0..at_once(budget) {
            let shared = hashing.0.clone();
            let thread = std::thread::Builder::new().name("hub-hash".to_owned());
            thread.spawn(move || {
                yield_to_sessions();
                shared.compute();
            })?;
        }
        Ok(hashing)
    }

    /// Runs `work` when it is its turn. The returned future gives the result. If the future is
    /// dropped before `work` begins, `work` is not run, and waits no longer.
    ///
    /// The hub has `places` for connections. So many logins of one address may wait that others still
    /// find places.
    ///
    /// # Errors
    /// The error says why there is no result.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        of: Requester,
        places: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = Result<T, NotHashed>> + Send + 'static {
        let most = (places / SHARE_OF_PLACES).clamp(LEAST_WAITING, MOST_WAITING);
        let (tell, told) = oneshot::channel();
        let job: Job = Box::new(move || {
            let _ = tell.send(work());
        });
        let number = self.0.queue.lock().as_mut().map(|queue| queue.push(of, most, job));
        let waiting = match number {
            Some(Some(number)) => Ok(Waiting { shared: self.0.clone(), number }),
            Some(None) => Err(NotHashed::TooMany),
            None => Err(NotHashed::Failed),
        };
        self.0.changed.notify_one();
        async move {
            let _waiting = waiting?;
            told.await.map_err(|_| NotHashed::Failed)
        }
    }
}

/// Returns how many hashes are computed at a time.
fn at_once(budget: Option<usize>) -> usize {
    budget.map_or(AT_ONCE, |budget| budget / MEMORY_PART / MOST_MEMORY).clamp(1, AT_ONCE)
}

impl Shared {
    /// Does jobs until the threads have to end.
    fn compute(&self) {
        let mut guard = self.queue.lock();
        while let Some(queue) = guard.as_mut() {
            let Some((address, job)) = queue.next() else {
                if self.changed.wait_for(&mut guard, IDLE).timed_out() {
                    free_memory();
                }
                continue;
            };
            drop(guard);
            // A job that panics drops its channel, so the future that waits for the job ends.
            drop(catch_unwind(AssertUnwindSafe(job)));
            guard = self.queue.lock();
            if let Some(queue) = guard.as_mut() {
                queue.done(&address);
            }
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(queue) = self.shared.queue.lock().as_mut() {
            queue.remove(self.number);
        }
    }
}

impl Drop for Hashing {
    fn drop(&mut self) {
        *self.0.queue.lock() = None;
        self.0.changed.notify_all();
    }
}

impl fmt::Debug for Hashing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hashing").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_take_an_eighth_of_the_budget_or_there_is_one_at_a_time() {
        const MIB: usize = 1024 * 1024;
        let hashes = |budget| at_once(Some(budget));
        assert_eq!((hashes(0), hashes(96 * MIB), hashes(1023 * MIB)), (1, 1, 1));
        assert_eq!((hashes(1024 * MIB), hashes(usize::MAX), at_once(None)), (2, 2, 2));
    }
}
