//! Keeps the ledger, which counts how many deliveries were due and what became of each.
//!
//! Without the ledger, nobody could prove that no loss is silent: the audit compares these counts
//! with the events that wait in the queues.

use super::held_bytes::HeldBytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts the deliveries that were due, and what became of them. The hub has one ledger, and each
/// topic has one.
///
/// `due = delivered + overflow + conflated + disconnected + given up + pending` always holds. A
/// pending delivery waits in a queue, is on its way to a listener, or waits to be given again.
#[derive(Debug, Default)]
pub struct Ledger {
    pub(super) due: AtomicU64,
    pub(super) delivered: AtomicU64,
    pub(super) overflow: AtomicU64,
    pub(super) conflated: AtomicU64,
    pub(super) disconnected: AtomicU64,
    pub(super) given_up: AtomicU64,
    /// Only the ledger of the hub counts GAP frames.
    pub(super) gaps: AtomicU64,
    pub(super) held: Arc<HeldBytes>,
}

/// Holds the counts of a ledger at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LedgerCounts {
    /// This many deliveries were due. Each copy of an event is one delivery.
    pub due: u64,
    /// This many deliveries were finished by their listener. Without a window, a delivery is finished
    /// when its last byte is written to the socket.
    pub delivered: u64,
    /// This many deliveries were dropped because a queue was full.
    pub overflow: u64,
    /// This many deliveries were replaced by newer events with the same key.
    pub conflated: u64,
    /// This many deliveries still waited when their connection ended.
    pub disconnected: u64,
    /// Handlers failed on this many deliveries as often as their subscriptions allow.
    pub given_up: u64,
    /// This many GAP frames were sent.
    pub gaps: u64,
}

impl LedgerCounts {
    /// Returns how many deliveries still wait in queues.
    #[must_use]
    pub fn pending(&self) -> u64 {
        let settled =
            self.delivered + self.overflow + self.conflated + self.disconnected + self.given_up;
        self.due.saturating_sub(settled)
    }
}

impl Ledger {
    /// Returns the count of the bytes that queues and histories hold.
    #[must_use]
    pub fn held(&self) -> &Arc<HeldBytes> {
        &self.held
    }

    /// Returns the counts of this moment. They are read one after another, so while events flow, their
    /// sum may be off by the deliveries that change in between.
    #[must_use]
    pub fn counts(&self) -> LedgerCounts {
        // The counts of settled deliveries are read before the count of due ones, so that the number of
        // pending deliveries is never negative.
        let (delivered, overflow) = (self.delivered.load(Relaxed), self.overflow.load(Relaxed));
        let (conflated, disconnected) =
            (self.conflated.load(Relaxed), self.disconnected.load(Relaxed));
        let (given_up, gaps) = (self.given_up.load(Relaxed), self.gaps.load(Relaxed));
        let due = self.due.load(Relaxed);
        LedgerCounts { due, delivered, overflow, conflated, disconnected, given_up, gaps }
    }
}

/// Adds to a counter. The counter orders no other memory access.
pub(super) fn count(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Relaxed);
}
