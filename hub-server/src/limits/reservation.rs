//! The part of the held bytes that belongs to one owner. It is given back when it is dropped; otherwise a
//! panic would leave the bytes counted, and the hub short of memory, for ever.

use hub_core::topic::HeldBytes;
use std::sync::Arc;

/// The held bytes of one owner. They are subtracted from the count when this is dropped.
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

    /// Sets the held bytes of the owner.
    pub(crate) fn set(&mut self, bytes: usize) {
        self.held.change(self.bytes, bytes);
        self.bytes = bytes;
    }

    /// An empty reservation in the same count.
    pub(crate) fn another(&self) -> Self {
        MemoryReservation::of(self.held.clone())
    }
}

impl Drop for MemoryReservation {
    fn drop(&mut self) {
        self.set(0);
    }
}
