//! Says where runs of a topic come from, and counts what the history keeps of them for who published them.
//!
//! Without this count, a history would have to count for whoever made its topic. Then others could fill the
//! history of a topic, and its maker would be refused for it when memory is short.

use super::account::{MemoryAccount, WaitingSize};
use hub_wire::RunHead;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Describes one connection as a publisher of one topic. All its runs there share the description.
#[derive(Debug)]
pub struct RunSource {
    /// The RUN frame in front of the events is written from this head.
    pub(super) head: RunHead,
    in_history: Option<InHistory>,
}

/// Counts the bytes of the runs of one source that the history keeps.
#[derive(Debug)]
struct InHistory {
    bytes: AtomicUsize,
    /// They count for the connection that published them.
    size: WaitingSize,
}

impl RunSource {
    /// Describes `publisher`, which publishes on `topic` in this epoch. What the history keeps of its runs
    /// counts in `account`. Without an account, it counts for nobody.
    #[must_use]
    pub fn new(
        topic: &str,
        epoch: u64,
        publisher: &str,
        account: Option<&Arc<MemoryAccount>>,
    ) -> Arc<Self> {
        let head = RunHead::new(topic, epoch, publisher);
        let size = account.map(WaitingSize::of_history);
        let in_history = size.map(|size| InHistory { bytes: AtomicUsize::new(0), size });
        Arc::new(RunSource { head, in_history })
    }

    /// Replaces a count of `before` bytes in the history by a count of `now` bytes.
    pub(super) fn change_in_history(&self, before: usize, now: usize) {
        if let Some(InHistory { bytes, size }) = &self.in_history {
            // The history of a topic changes under a lock, so no other thread comes in between.
            let all = bytes.load(Relaxed) + now - before;
            bytes.store(all, Relaxed);
            size.set(all);
        }
    }
}
