//! Counts the part of the held bytes that belongs to one owner. The bytes are given back when the count
//! is dropped. Otherwise a panic would leave the bytes counted, and the hub short of memory, for ever.

use hub_core::topic::HeldBytes;
use std::sync::Arc;

/// Counts the held bytes of one owner. Dropping the reservation subtracts them from the hub's
/// count.
#[derive(Debug)]
pub(crate) struct MemoryReservation {
    held: Arc<HeldBytes>,
    bytes: usize,
}

impl MemoryReservation {
    pub(crate) fn of(held: Arc<HeldBytes>) -> Self {
        MemoryReservation { held, bytes: 0 }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Sets how many held bytes the owner has.
    pub(crate) fn set(&mut self, bytes: usize) {
        self.held.change(self.bytes, bytes);
        self.bytes = bytes;
    }

    /// Creates an empty reservation in the same count.
    pub(crate) fn another(&self) -> Self {
        MemoryReservation::of(self.held.clone())
    }
}

impl Drop for MemoryReservation {
    fn drop(&mut self) {
        self.set(0);
    }
}
