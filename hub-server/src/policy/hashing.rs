//! Computes the hashes of secrets: long by design, so not on the threads that serve clients.
//!
//! On a few threads of its own, and not on whichever of a pool is free: each hash takes up to 64 MiB,
//! and an allocator keeps what a thread has freed for that thread. On the threads of a pool that adds
//! up to half a gigabyte.

use super::access::free_memory;
use parking_lot::Mutex;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;
use tokio::sync::oneshot;

/// Each may take 64 MiB.
const AT_ONCE: usize = 2;

/// A thread that had nothing to do for so long gives back its memory.
const IDLE: Duration = Duration::from_secs(10);

type Job = Box<dyn FnOnce() + Send>;

/// The threads. They end when this is dropped and nothing waits any more.
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
                        // Who waits for it is told by the end of his channel.
                        Ok(job) => drop(catch_unwind(AssertUnwindSafe(job))),
                        Err(RecvTimeoutError::Timeout) => free_memory(),
                        Err(RecvTimeoutError::Disconnected) => return,
                    }
                }
            })?;
        }
        Ok(Hashing(jobs))
    }

    /// What `work` returns, when it is its turn; none if it panicked. If nobody waits any more by
    /// then, it is not done.
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
