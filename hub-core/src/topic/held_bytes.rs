//! How many bytes topics and queues hold, and may hold.

use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What an allocation takes beside its bytes: its own bookkeeping and that of whoever shares it.
const OVERHEAD: usize = 80;

/// Bytes that a hub holds for its clients at the moment: each run once, however many queues share
/// it; what queues take beside their runs, in steps of 64 KiB; and what sessions add to it.
///
/// It is exact enough to slow publishers down before the process has grown, and it costs a run two
/// additions.
#[derive(Debug)]
pub struct HeldBytes {
    bytes: AtomicUsize,
    queue_limit: AtomicUsize,
}

/// By so much a queue may have grown or shrunk before it says so.
pub(super) const STEP: usize = 64 * 1024;

impl Default for HeldBytes {
    fn default() -> Self {
        HeldBytes { bytes: AtomicUsize::new(0), queue_limit: AtomicUsize::new(usize::MAX) }
    }
}

impl HeldBytes {
    /// How many there are.
    #[must_use]
    pub fn get(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// What may wait for one connection, where its own bound is not less.
    #[must_use]
    pub fn queue_limit(&self) -> usize {
        self.queue_limit.load(Ordering::Relaxed)
    }

    /// Bounds all queues, also those that there are: while memory is short, each holds less. What
    /// waits already stays, see [`DeliveryQueue::shed`](super::DeliveryQueue::shed).
    pub fn limit_queues(&self, bytes: usize) {
        self.queue_limit.store(bytes, Ordering::Relaxed);
    }

    /// What counted for `before` bytes counts for `now`.
    pub fn change(&self, before: usize, now: usize) {
        if now >= before {
            self.bytes.fetch_add(now - before, Ordering::Relaxed);
        } else {
            self.bytes.fetch_sub(before - now, Ordering::Relaxed);
        }
    }

    /// The bytes, counted until the last who has a part of them lets go.
    pub(super) fn hold(self: &Arc<Self>, bytes: Vec<u8>) -> Bytes {
        self.change(0, bytes.capacity() + OVERHEAD);
        Bytes::from_owner(Held { bytes, held: self.clone() })
    }
}

struct Held {
    bytes: Vec<u8>,
    held: Arc<HeldBytes>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.held.change(self.bytes.capacity() + OVERHEAD, 0);
    }
}
