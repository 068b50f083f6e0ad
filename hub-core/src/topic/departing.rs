//! Queues the subscriptions that leave, for the tasks in [`departures`](super::departures). Without the queue,
//! each connection that ends would send messages of its own to all of its topics.

use super::subscription_entry::SubscriptionEntry;
use std::sync::Arc;
use tokio::sync::oneshot;

/// So many tasks let subscriptions leave at a time. One that has to wait for a slow topic, or for very many
/// topics, does not hold up the others then.
const DEPARTURES_AT_A_TIME: usize = 4;

/// Holds the subscriptions that wait to leave.
#[derive(Debug, Default)]
pub(super) struct Departures {
    waiting: Vec<Departing>,
    /// So many tasks let subscriptions leave.
    under_way: usize,
}

/// Holds subscriptions of one connection that leave.
#[derive(Debug)]
pub(super) struct Departing {
    pub(super) entries: Vec<Arc<SubscriptionEntry>>,
    pub(super) done: oneshot::Sender<()>,
}

impl Departures {
    /// Adds subscriptions that leave. Returns whether the caller has to begin one more task for them.
    pub(super) fn begins(&mut self, departing: Departing) -> bool {
        self.waiting.push(departing);
        let begins = self.under_way < DEPARTURES_AT_A_TIME;
        self.under_way += usize::from(begins);
        begins
    }

    /// Returns everything that waits. When nothing does, the task of the caller has ended.
    pub(super) fn next(&mut self) -> Option<Vec<Departing>> {
        if self.waiting.is_empty() {
            self.under_way -= 1;
            return None;
        }
        Some(std::mem::take(&mut self.waiting))
    }

    /// States that a task was stopped. Those that wait have no task any more if it was the last one. That is
    /// only the case when the hub stops, and then nobody waits for them any longer.
    pub(super) fn stopped(&mut self) {
        self.under_way -= 1;
        if self.under_way == 0 {
            self.waiting.clear();
        }
    }
}
