//! Computes the hashes of secrets. Hashes take long by design, so they are computed on threads that
//! serve no clients.
//!
//! The module has a few threads of its own, and does not use a pool. Each hash takes up to 64 MiB, and
//! an allocator keeps the memory that a thread has freed for that thread. On the threads of a pool, this
//! would add up to half a gigabyte.
//!
//! A hash can take a fifth of a small budget within some milliseconds. So a thread takes its memory only when
//! there is room for it. While it waits, the memory is promised to it, so that clients above their share make
//! room. Otherwise a login could lift the process above its budget.

use super::access::{MAX_MEMORY_KIB, free_memory, kept_memory};
use super::hash_queue::{HashQueue, Requester};
use crate::limits::ClientLimits;
use crate::limits::promise::Promise;
use crate::limits::system::yield_to_sessions;
use parking_lot::{Condvar, Mutex, MutexGuard};
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// This many hashes are computed at a time, if the memory budget is large enough.
const AT_ONCE: usize = 2;
/// The hub never accepts a hash that takes more than this many bytes of memory.
const MOST_MEMORY: usize = MAX_MEMORY_KIB as usize * 1024;
/// All hashes that are computed at a time may take one of this many parts of the memory budget. One hash is
/// always computed, however small the budget is.
const MEMORY_PART: usize = 8;
/// A thread frees its memory when it has had nothing to do for this time.
const IDLE: Duration = Duration::from_secs(1);
/// A thread that waits for room looks again after this time.
const LOOK_FOR_ROOM: Duration = Duration::from_millis(5);
/// At most this many logins of one address wait for their hash. A thousand services that connect at
/// once through one NAT all fit in.
const MOST_WAITING: usize = 1024;
/// The logins of one address that wait may take one of this many places of all connections.
const SHARE_OF_PLACES: usize = 4;
/// This many logins of one address may wait, however few places there are.
const LEAST_WAITING: usize = 16;

/// Computes one hash.
trait Job: Send {
    /// Returns how many bytes of memory the hash takes.
    fn bytes(&self) -> usize;
    /// Returns whether somebody still waits for the hash.
    fn is_wanted(&self) -> bool;
    fn run(self: Box<Self>);
    /// States that there is no memory for the hash.
    fn refuse(self: Box<Self>);
}

struct Work<T, F> {
    bytes: usize,
    work: F,
    tell: oneshot::Sender<Result<T, NotHashed>>,
}

impl<T: Send, F: FnOnce() -> T + Send> Job for Work<T, F> {
    fn bytes(&self) -> usize {
        self.bytes
    }

    fn is_wanted(&self) -> bool {
        !self.tell.is_closed()
    }

    fn run(self: Box<Self>) {
        let _ = self.tell.send(Ok((self.work)()));
    }

    fn refuse(self: Box<Self>) {
        let _ = self.tell.send(Err(NotHashed::NoMemory));
    }
}

/// Reaches the threads that compute hashes. The threads end when this value is dropped.
pub(crate) struct Hashing(Arc<Shared>);

struct Shared {
    /// The value is `None` when the threads have to end.
    queue: Mutex<Option<HashQueue<Box<dyn Job>>>>,
    changed: Condvar,
    limits: Arc<ClientLimits>,
}

/// States why there is no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotHashed {
    /// Too many logins of this address wait already.
    TooMany,
    /// There was no room in the memory of the hub for as long as a client waits for memory.
    NoMemory,
    /// The work has panicked, or the hub is ending.
    Failed,
}

/// Removes a job from the queue when nobody waits for it any more.
struct Waiting {
    shared: Arc<Shared>,
    number: u64,
}

impl Hashing {
    /// Starts the threads of a hub with these limits.
    ///
    /// # Errors
    /// The operating system gave no thread.
    pub(crate) fn start(limits: Arc<ClientLimits>) -> io::Result<Self> {
        let queue = Mutex::new(Some(HashQueue::new()));
        let threads = at_once(limits.memory.budget());
        let hashing = Hashing(Arc::new(Shared { queue, changed: Condvar::new(), limits }));
        for _ in 0..threads {
            let shared = hashing.0.clone();
            let thread = std::thread::Builder::new().name("hub-hash".to_owned());
            thread.spawn(move || {
                yield_to_sessions();
                shared.compute();
            })?;
        }
        Ok(hashing)
    }

    /// Runs `work` when it is its turn and there is room for the `bytes` bytes of memory that its hash takes.
    /// The returned future gives the result. If the future is dropped before `work` begins, `work` is not
    /// run, and waits no longer.
    ///
    /// The hub has `places` for connections. So many logins of one address may wait that others still
    /// find places.
    ///
    /// # Errors
    /// The error says why there is no result.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        of: Requester,
        bytes: usize,
        places: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = Result<T, NotHashed>> + Send + 'static {
        let most = (places / SHARE_OF_PLACES).clamp(LEAST_WAITING, MOST_WAITING);
        let (tell, told) = oneshot::channel();
        let job = Box::new(Work { bytes, work, tell });
        let number = self.0.queue.lock().as_mut().map(|queue| queue.push(of, most, job));
        let waiting = match number {
            Some(Some(number)) => Ok(Waiting { shared: self.0.clone(), number }),
            Some(None) => Err(NotHashed::TooMany),
            None => Err(NotHashed::Failed),
        };
        self.0.changed.notify_one();
        async move {
            let _waiting = waiting?;
            told.await.unwrap_or(Err(NotHashed::Failed))
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
                self.wait_for_jobs(&mut guard);
                continue;
            };
            drop(guard);
            // A job that panics drops its channel, so the future that waits for the job ends.
            let done = || match self.wait_for_room(&*job) {
                true => job.run(),
                false => job.refuse(),
            };
            drop(catch_unwind(AssertUnwindSafe(done)));
            guard = self.queue.lock();
            if let Some(queue) = guard.as_mut() {
                queue.done(&address);
            }
        }
    }

    /// Waits until there may be a job. Meanwhile the thread frees its memory, at once if memory is short.
    fn wait_for_jobs(&self, guard: &mut MutexGuard<'_, Option<HashQueue<Box<dyn Job>>>>) {
        if kept_memory() == 0 {
            self.changed.wait(guard);
        } else if !self.limits.memory.is_calm() || self.changed.wait_for(guard, IDLE).timed_out() {
            // Sessions that have a job to add do not wait for that.
            MutexGuard::unlocked(guard, free_memory);
        }
    }

    /// Waits until there is room for the memory of a job, for as long as any client waits for memory. Returns
    /// whether the job may run.
    fn wait_for_room(&self, job: &dyn Job) -> bool {
        let memory = &self.limits.memory;
        if kept_memory() >= job.bytes() {
            return true;
        }
        free_memory(); // The job takes a larger piece in its place.
        let promise = Promise::new(memory, job.bytes());
        let began = Instant::now();
        while !promise.has_room() {
            if began.elapsed() >= memory.grace() || !job.is_wanted() {
                return false;
            }
            std::thread::sleep(LOOK_FOR_ROOM);
        }
        true
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
    use crate::config::Config;
    use crate::limits::account::{AccountKey, UNKNOWN_ADDRESS};
    use hub_core::topic::HeldBytes;
    use std::pin::pin;
    use tokio::time::timeout;

    const MIB: usize = 1024 * 1024;
    /// The budget is larger than the test can ever be, so that only the counted bytes decide.
    const BUDGET: usize = 64 * 1024 * MIB;

    #[test]
    fn hashes_take_an_eighth_of_the_budget_or_there_is_one_at_a_time() {
        let hashes = |budget| at_once(Some(budget));
        assert_eq!((hashes(0), hashes(96 * MIB), hashes(1023 * MIB)), (1, 1, 1));
        assert_eq!((hashes(1024 * MIB), hashes(usize::MAX), at_once(None)), (2, 2, 2));
    }

    /// Starts the threads of a hub that holds a part of its budget for clients.
    fn hashing(percent_held: usize, grace_ms: u64) -> (Hashing, Arc<ClientLimits>) {
        let held = Arc::new(HeldBytes::default());
        held.change(0, BUDGET / 100 * percent_held);
        let mut config = Config::default();
        (config.memory_bytes, config.memory_grace_ms) = (BUDGET as u64, grace_ms);
        let limits = Arc::new(ClientLimits::new(&config, held));
        (Hashing::start(limits.clone()).unwrap(), limits)
    }

    /// Has a hash computed that takes a tenth of the budget.
    fn hash(hashing: &Hashing) -> impl Future<Output = Result<(), NotHashed>> + use<'_> {
        let of = Requester { address: AccountKey::at(UNKNOWN_ADDRESS), id: "id".into() };
        hashing.run(of, BUDGET / 10, 100, || ())
    }

    async fn until(what: impl Fn() -> bool) {
        let waits = async {
            while !what() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(Duration::from_secs(30), waits).await.unwrap();
    }

    #[tokio::test]
    async fn a_hash_waits_for_room_and_others_are_asked_for_it() {
        let (hashing, limits) = hashing(85, 60_000);
        let mut hashed = pin!(hash(&hashing));
        until(|| limits.memory.sample().promised == BUDGET / 10).await;
        assert!(timeout(Duration::from_millis(20), &mut hashed).await.is_err(), "no room yet");
        limits.memory.held().change(BUDGET / 10, 0);
        assert_eq!(hashed.await, Ok(()));
        assert_eq!(limits.memory.sample().promised, 0);
    }

    #[tokio::test]
    async fn a_hash_without_room_is_refused_after_the_grace_and_keeps_no_promise() {
        let (hashing, limits) = hashing(85, 10);
        assert_eq!(hash(&hashing).await, Err(NotHashed::NoMemory));
        until(|| limits.memory.sample().promised == 0).await;
    }

    #[tokio::test]
    async fn a_hash_that_nobody_wants_any_more_waits_no_longer_for_room() {
        let (hashing, limits) = hashing(85, 3_600_000);
        let hashed = hash(&hashing);
        until(|| limits.memory.sample().promised > 0).await;
        drop(hashed);
        until(|| limits.memory.sample().promised == 0).await;
    }
}
