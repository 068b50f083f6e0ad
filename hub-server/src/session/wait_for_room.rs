//! Decides whether a publisher waits for a subscriber that has no room, or whether the grace of the
//! subscriber is over. Without this module, a publisher would overrun every slow subscriber, or stand still
//! with every stalled one.

use super::backpressure_wait::BackpressureWait;
use super::run_builder::OpenRun;
use super::state::Session;
use hub_core::topic::SubscriberConnection;
use std::sync::Arc;
use std::time::{Duration, Instant};

impl Session {
    /// Decides whether the session waits for room in this subscriber's queue. Otherwise the grace of the
    /// subscriber is over, and the caller publishes again. `passed` is the subscriber whose grace the
    /// caller found to be over before, for this run: only a policy without a grace makes it wait again.
    pub(super) fn must_wait_for(
        &mut self,
        connection: Arc<dyn SubscriberConnection>,
        gathered: &OpenRun,
        passed: &mut Option<u64>,
    ) -> bool {
        if *passed == Some(connection.number()) {
            self.end_wait();
            self.backpressure = Some(BackpressureWait::without_end(connection));
            return true;
        }
        let known = self.backpressure.as_ref().filter(|wait| wait.is_for(&*connection));
        if known.is_some_and(|wait| !wait.is_over()) {
            return true;
        }
        let time = match known {
            // A subscriber that is slow gets all of the patience, and one that has stalled does not.
            Some(wait) => {
                wait.waited_for_slow().and_then(|waited| self.patience.left_after(waited))
            }
            None => {
                self.end_wait();
                self.patience_for(&*connection)
            }
        };
        self.end_wait();
        if let Some(time) = time {
            self.backpressure = Some(BackpressureWait::new(connection, time));
            return true;
        }
        *passed = Some(connection.number());
        connection.queue().end_grace();
        if self.patience.left_after(Duration::ZERO).is_none() {
            // Each of the others would only be found one by one.
            gathered.topic.end_graces(gathered.run.room());
        }
        false
    }

    /// Returns for how long the session waits for a subscriber for which it does not wait yet.
    fn patience_for(&mut self, connection: &dyn SubscriberConnection) -> Option<Duration> {
        let queue = connection.queue();
        match queue.is_lagging() {
            true => None,
            false => self.patience.time_for(queue.drained_bytes(), Instant::now()),
        }
    }

    /// Ends the wait for a subscriber, and counts it.
    pub(super) fn end_wait(&mut self) {
        if let Some(wait) = self.backpressure.take() {
            self.patience.count(&wait);
        }
    }
}
