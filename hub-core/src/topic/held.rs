//! How many bytes topics and queues hold.

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
#[derive(Debug, Default)]
pub struct HeldBytes(AtomicUsize);

/// By so much a queue may have grown or shrunk before it says so.
pub(super) const STEP: usize = 64 * 1024;

impl HeldBytes {
    /// How many there are.
    #[must_use]
    pub fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// What counted for `before` bytes counts for `now`.
    pub fn change(&self, before: usize, now: usize) {
        if now >= before {
            self.0.fetch_add(now - before, Ordering::Relaxed);
        } else {
            self.0.fetch_sub(before - now, Ordering::Relaxed);
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
