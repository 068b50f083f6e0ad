//! Computes the hashes of secrets. Hashes take long by design, so they are computed on threads that
//! serve no clients.
//!
//! The module has a few threads of its own, and does not use a pool. Each hash takes up to 64 MiB, and
//! an allocator keeps the memory that a thread has freed for that thread. On the threads of a pool, this
//! would add up to half a gigabyte.

use super::access::free_memory;
use parking_lot::Mutex;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;
use tokio::sync::oneshot;

/// This many hashes are computed at a time. Each of them may take 64 MiB.
const AT_ONCE: usize = 2;

/// A thread frees its memory when it has had nothing to do for this time.
const IDLE: Duration = Duration::from_secs(10);

type Job = Box<dyn FnOnce() + Send>;

/// Reaches the threads that compute hashes. The threads end when this value is dropped and no work
/// waits.
#[derive(Debug)]
pub(crate) struct Hashing(Sender<Job>);

impl Hashing {
    pub(crate) fn start() -> io::Result<Self> {
        let (jobs, next) = channel::<Job>();
        let next = Arc::new(Mutex::new(next));
        for _ in 0..AT_ONCE {
            let next = next.clone();
            std::thread::Builder::new().name("hub-hash".to_owned()).spawn(move || {
                loop {
                    let job = next.lock().recv_timeout(IDLE);
                    match job {
                        // A job that panics drops its channel, so the future that waits for the job
                        // ends.
                        Ok(job) => drop(catch_unwind(AssertUnwindSafe(job))),
                        Err(RecvTimeoutError::Timeout) => free_memory(),
                        Err(RecvTimeoutError::Disconnected) => return,
                    }
                }
            })?;
        }
        Ok(Hashing(jobs))
    }

    /// Runs `work` when it is its turn. The returned future gives the result, or `None` if `work`
    /// panicked. If the future is dropped before `work` begins, `work` is not run.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = Option<T>> + 'static {
        let (tell, told) = oneshot::channel();
        let sent = self.0.send(Box::new(move || {
            if !tell.is_closed() {
                let _ = tell.send(work());
            }
        }));
        async move {
            sent.ok()?;
            told.await.ok()
        }
    }
}
