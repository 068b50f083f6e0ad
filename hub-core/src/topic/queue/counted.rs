//! Counts what waits in a delivery queue in the account of its client, and takes the bound of the queue
//! from there.
//!
//! Without this, the queues of one client could fill the memory of the hub, and the hub would not know
//! whose queues they are.

use super::DeliveryQueue;
use crate::topic::account::{MemoryAccount, WaitingSize};
use std::sync::Arc;

impl DeliveryQueue {
    /// Counts what waits in the queue in this account, and what waits for the subscriptions that get a
    /// window from now on. Only the first call has an effect.
    pub fn count_in(&self, account: &Arc<MemoryAccount>) {
        self.waits_for.get_or_init(|| WaitingSize::of_queue(account));
        self.report_waiting();
    }

    /// Returns the account of the client, if the client is known.
    pub(super) fn account(&self) -> Option<&Arc<MemoryAccount>> {
        self.waits_for.get().map(WaitingSize::account)
    }

    /// Drops runs as [`DeliveryQueue::shed`] does, until what waits is within the bound that is in force
    /// now.
    #[must_use]
    pub fn shed_to_limit(&self) -> bool {
        self.shed(self.limit())
    }

    /// Tells the account how many bytes wait.
    pub(super) fn report_waiting(&self) {
        if let Some(size) = self.waits_for.get() {
            size.set(self.queued_bytes());
        }
    }

    /// Returns how many bytes may wait in the queue. The number is lower when memory is scarce.
    pub(in crate::topic) fn limit(&self) -> usize {
        let of_all = self.ledger.held.queue_limit();
        if of_all == usize::MAX {
            return self.own_limit; // This is the usual case, and it looks at no account.
        }
        let of_owner = self.account().map_or(usize::MAX, |account| account.queue_limit());
        self.own_limit.min(of_all).min(of_owner)
    }
}
