//! A part of what the hub counts as held for its clients.

use hub_core::topic::HeldBytes;
use std::sync::Arc;

/// Bytes of one owner in the hub's count; taken out of it when dropped.
#[derive(Debug)]
pub(crate) struct Share {
    held: Arc<HeldBytes>,
    bytes: usize,
}

impl Share {
    pub(crate) fn of(held: Arc<HeldBytes>) -> Self {
        Share { held, bytes: 0 }
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
        Share::of(self.held.clone())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.set(0);
    }
}
