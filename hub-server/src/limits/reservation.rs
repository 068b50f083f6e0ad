//! A part of what the hub counts as held for its clients. It gives its bytes back when it is dropped;
//! otherwise a panic would leave them counted, and the hub short of memory, for ever.

use hub_core::topic::HeldBytes;
use std::sync::Arc;

/// Bytes of one owner in the hub's count; taken out of it when dropped.
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

    /// From now on it is so much.
    pub(crate) fn set(&mut self, bytes: usize) {
        self.held.change(self.bytes, bytes);
        self.bytes = bytes;
    }

    /// Nothing yet, in the same count.
    pub(crate) fn another(&self) -> Self {
        MemoryReservation::of(self.held.clone())
    }
}

impl Drop for MemoryReservation {
    fn drop(&mut self) {
        self.set(0);
    }
}
