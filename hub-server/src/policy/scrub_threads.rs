//! Scrubs costly events on threads that serve no clients. On the thread of its session, one large event could
//! make all other clients of that thread wait for some milliseconds, and a crowd of such events for much longer.
//!
//! The owners of the sessions take turns, so that somebody who publishes many costly events delays nobody
//! else who publishes one.

use super::round::Round;
use crate::limits::account::AccountKey;
use crate::limits::system::yield_to_sessions;
use parking_lot::{Condvar, Mutex};
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// Reaches the threads that scrub costly events. The threads end when this value is dropped.
pub(crate) struct ScrubThreads(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

/// Holds the jobs that wait. A job has a number, and lower numbers came earlier.
#[derive(Default)]
struct Queue {
    jobs: HashMap<u64, (AccountKey, Job)>,
    round: Round<AccountKey>,
    next_number: u64,
    /// The flag is true when the threads have to end.
    ends: bool,
}

/// Removes a job from the queue when nobody waits for it any more.
struct Waiting {
    shared: Arc<Shared>,
    number: Option<u64>,
}

impl ScrubThreads {
    /// Starts so many threads.
    ///
    /// # Errors
    /// The operating system gave no thread.
    pub(crate) fn start(threads: usize) -> io::Result<Self> {
        let scrubbing = ScrubThreads(Arc::default());
        for _ in 0..threads {
            let shared = scrubbing.0.clone();
            std::thread::Builder::new().name("hub-scrub".to_owned()).spawn(move || {
                yield_to_sessions();
                shared.work();
            })?;
        }
        Ok(scrubbing)
    }

    /// Runs `work` when it is the turn of its owner. The returned future gives the result, or `None` if `work`
    /// panics or the hub is ending. If the future is dropped before `work` begins, `work` is not run.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        owner: AccountKey,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = Option<T>> + Send + 'static {
        let (tell, told) = oneshot::channel();
        let job = Box::new(move || drop(tell.send(work())));
        let number = self.0.queue.lock().push(owner, job);
        self.0.changed.notify_one();
        let waiting = Waiting { shared: self.0.clone(), number };
        async move {
            let _waiting = waiting;
            told.await.ok()
        }
    }
}

impl Queue {
    /// Adds a job and returns its number, or `None` if the threads have to end.
    fn push(&mut self, owner: AccountKey, job: Job) -> Option<u64> {
        if self.ends {
            return None;
        }
        let number = self.next_number;
        self.next_number += 1;
        self.round.insert(&owner, number);
        self.jobs.insert(number, (owner, job));
        Some(number)
    }

    /// Takes the job whose turn it is.
    fn next(&mut self) -> Option<Job> {
        let (owner, job) = self.take(self.round.first(|_| true)?)?;
        self.round.was_served(&owner);
        Some(job)
    }

    fn take(&mut self, number: u64) -> Option<(AccountKey, Job)> {
        let (owner, job) = self.jobs.remove(&number)?;
        self.round.remove(&owner, number);
        Some((owner, job))
    }
}

impl Shared {
    /// Does jobs until the threads have to end.
    fn work(&self) {
        let mut queue = self.queue.lock();
        while !queue.ends {
            let Some(job) = queue.next() else {
                self.changed.wait(&mut queue);
                continue;
            };
            drop(queue);
            // A job that panics drops its channel, so whoever waits for it is told.
            drop(catch_unwind(AssertUnwindSafe(job)));
            queue = self.queue.lock();
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let job = self.number.and_then(|number| self.shared.queue.lock().take(number));
        drop(job); // It may have a large event, so the lock is free again.
    }
}

impl Drop for ScrubThreads {
    fn drop(&mut self) {
        let mut queue = self.0.queue.lock();
        queue.ends = true;
        // Whoever waits for a job is told that it will not be done.
        let jobs = std::mem::take(&mut queue.jobs);
        drop(queue);
        drop(jobs);
        self.0.changed.notify_all();
    }
}

impl fmt::Debug for ScrubThreads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScrubThreads").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(name: &str) -> AccountKey {
        AccountKey::Identity(name.into())
    }

    #[test]
    fn an_owner_with_many_jobs_delays_another_by_one() {
        let done = Arc::new(Mutex::new(Vec::new()));
        let mut queue = Queue::default();
        for (of, count) in [("many", 10), ("one", 1), ("few", 2)] {
            for _ in 0..count {
                let done = done.clone();
                queue.push(owner(of), Box::new(move || done.lock().push(of)));
            }
        }
        while let Some(job) = queue.next() {
            job();
        }
        assert_eq!(done.lock()[..5], ["many", "one", "few", "many", "few"]);
        assert_eq!(done.lock().len(), 13);
    }

    #[tokio::test]
    async fn each_job_gives_its_result_and_a_panic_costs_one() {
        let threads = ScrubThreads::start(2).unwrap();
        let fails = threads.run(owner("a"), || -> () { panic!("this job fails") });
        let jobs: Vec<_> = (0..100).map(|n| threads.run(owner("a"), move || n)).collect();
        assert_eq!(fails.await, None::<()>);
        for (n, job) in jobs.into_iter().enumerate() {
            assert_eq!(job.await, Some(n));
        }
    }

    #[test]
    fn what_nobody_waits_for_is_given_up() {
        let threads = ScrubThreads::start(0).unwrap();
        let event = Arc::new(());
        let (job, of_another) = (event.clone(), event.clone());
        let waits = threads.run(owner("a"), move || drop(job));
        let _other = threads.run(owner("a"), move || drop(of_another));
        drop(waits);
        assert_eq!(Arc::strong_count(&event), 2, "one job is left");
    }

    #[tokio::test]
    async fn who_waits_when_the_hub_ends_is_told() {
        let threads = ScrubThreads::start(0).unwrap();
        let waits = threads.run(owner("a"), || ());
        drop(threads);
        assert_eq!(waits.await, None);
    }
}
