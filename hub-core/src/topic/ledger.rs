//! The ledger: how many deliveries were due, and what became of each.
//!
//! Without it, nobody could prove that no loss is silent: the audit compares these counts with
//! what waits in the queues.

use super::held_bytes::HeldBytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts every delivery that was due, and what became of it: one for the hub, one for each topic.
///
/// `due = delivered + overflow + conflated + disconnected + pending` always holds; what is
/// pending waits in some connection's queue.
#[derive(Debug, Default)]
pub struct Ledger {
    pub(super) due: AtomicU64,
    pub(super) delivered: AtomicU64,
    pub(super) overflow: AtomicU64,
    pub(super) conflated: AtomicU64,
    pub(super) disconnected: AtomicU64,
    /// Only counted for the hub.
    pub(super) gaps: AtomicU64,
    pub(super) held: Arc<HeldBytes>,
}

/// The ledger's counts at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LedgerCounts {
    /// Deliveries that were due: one for each event and each copy of it.
    pub due: u64,
    /// Events of which the last byte was handed to a socket.
    pub delivered: u64,
    /// Events dropped because a queue was full.
    pub overflow: u64,
    /// Events that newer ones with the same key replaced.
    pub conflated: u64,
    /// Events that were waiting when their connection ended.
    pub disconnected: u64,
    /// GAP frames sent.
    pub gaps: u64,
}

impl LedgerCounts {
    /// Deliveries that still wait in queues.
    #[must_use]
    pub fn pending(&self) -> u64 {
        let settled = self.delivered + self.overflow + self.conflated + self.disconnected;
        self.due.saturating_sub(settled)
    }
}

impl Ledger {
    /// The bytes of what waits, and of what topics remember.
    #[must_use]
    pub fn held(&self) -> &Arc<HeldBytes> {
        &self.held
    }

    /// The counts now. Read one by one: while events flow, the sum may be off by what is on its way.
    #[must_use]
    pub fn counts(&self) -> LedgerCounts {
        // What settles a delivery is read before what makes it due, so pending is never negative.
        let (delivered, overflow) = (self.delivered.load(Relaxed), self.overflow.load(Relaxed));
        let (conflated, disconnected) =
            (self.conflated.load(Relaxed), self.disconnected.load(Relaxed));
        let gaps = self.gaps.load(Relaxed);
        let due = self.due.load(Relaxed);
        LedgerCounts { due, delivered, overflow, conflated, disconnected, gaps }
    }
}

/// Adds to a counter that orders nothing.
pub(super) fn count(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Relaxed);
}
