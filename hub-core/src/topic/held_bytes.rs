//! Counts the bytes that topics and queues hold, and bounds what queues may hold.
//!
//! Without this count, the hub would notice that memory is short only after the process has grown.

use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Each allocation counts for this many bytes beside its content. They stand for the bookkeeping of
/// the allocator and of the handles that share the allocation.
const OVERHEAD: usize = 80;

/// Counts the held bytes: the bytes that a hub holds for its clients at the moment.
///
/// Each run counts once, however many queues share it. What a queue, a subscription with a window or a
/// queue group takes beside its runs counts in steps of 4 KiB. Everything else that exists because of a
/// client is charged to its account ([`MemoryAccount`](super::MemoryAccount)), which adds it here. The
/// count is exact enough to slow publishers down before the process has grown, and it costs two
/// additions a run.
#[derive(Debug)]
pub struct HeldBytes {
    bytes: AtomicUsize,
    queue_limit: AtomicUsize,
    reserve: AtomicUsize,
}

/// A queue reports its size when it has grown or shrunk by this many bytes since its last report.
pub(super) const REPORT_STEP: usize = 4 * 1024;

impl Default for HeldBytes {
    fn default() -> Self {
        HeldBytes {
            bytes: AtomicUsize::new(0),
            queue_limit: AtomicUsize::new(usize::MAX),
            reserve: AtomicUsize::new(0),
        }
    }
}

impl HeldBytes {
    /// Returns how many bytes the hub holds now.
    #[must_use]
    pub fn get(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Returns how many bytes may wait in the queue of one connection, unless the bound of the queue
    /// itself is lower.
    #[must_use]
    pub fn queue_limit(&self) -> usize {
        self.queue_limit.load(Ordering::Relaxed)
    }

    /// Sets a bound for all queues, including those that exist already. The hub lowers it when memory
    /// becomes scarce. With `usize::MAX`, the bounds of accounts are not in force either. Bytes that wait
    /// already stay in their queues until
    /// [`DeliveryQueue::shed`](super::DeliveryQueue::shed) drops them.
    pub fn limit_queues(&self, bytes: usize) {
        self.queue_limit.store(bytes, Ordering::Relaxed);
    }

    /// Sets how many bytes are reserved for each owner: an owner that holds no more than this is served however
    /// short memory is.
    pub fn reserve(&self, bytes: usize) {
        self.reserve.store(bytes, Ordering::Relaxed);
    }

    pub(super) fn reserved(&self) -> usize {
        self.reserve.load(Ordering::Relaxed)
    }

    /// Replaces a count of `before` bytes by a count of `now` bytes.
    pub fn change(&self, before: usize, now: usize) {
        change(&self.bytes, before, now);
    }

    /// Returns the bytes as a shared buffer. They count as held until the last handle to any part of
    /// them is dropped.
    pub(super) fn hold(self: &Arc<Self>, bytes: Vec<u8>) -> Bytes {
        self.change(0, bytes.capacity() + OVERHEAD);
        Bytes::from_owner(CountedBytes { bytes, held: self.clone() })
    }
}

/// Corrects a sum of sizes for a part that has changed from `before` to `now`.
pub(super) fn change(sum: &AtomicUsize, before: usize, now: usize) {
    if now >= before {
        sum.fetch_add(now - before, Ordering::Relaxed);
    } else {
        sum.fetch_sub(before - now, Ordering::Relaxed);
    }
}

/// Counts what a backlog takes beside its runs as held bytes, in steps. When it is dropped, nothing of
/// it is counted any more.
#[derive(Debug)]
pub(super) struct ReportedSize {
    held: Arc<HeldBytes>,
    reported: AtomicUsize,
}

impl ReportedSize {
    pub(super) fn new(held: &Arc<HeldBytes>) -> Self {
        ReportedSize { held: held.clone(), reported: AtomicUsize::new(0) }
    }

    /// States how many bytes the backlog takes now. The caller holds the lock of the backlog.
    pub(super) fn set(&self, now: usize) {
        let reported = self.reported.load(Ordering::Relaxed);
        if now.abs_diff(reported) >= REPORT_STEP || (now == 0 && reported > 0) {
            self.reported.store(now, Ordering::Relaxed);
            self.held.change(reported, now);
        }
    }
}

impl Drop for ReportedSize {
    fn drop(&mut self) {
        self.held.change(self.reported.load(Ordering::Relaxed), 0);
    }
}

/// Owns the bytes of a shared buffer. They count as held until their owner is dropped.
struct CountedBytes {
    bytes: Vec<u8>,
    held: Arc<HeldBytes>,
}

impl AsRef<[u8]> for CountedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for CountedBytes {
    fn drop(&mut self) {
        self.held.change(self.bytes.capacity() + OVERHEAD, 0);
    }
}
