//! Claim: a thread that writes a queue checks the backlog again after it has released the lock. So the bytes
//! of a thread that appended in between and relied on the writer are written.
//!
//! A test cannot run code between the last check of the writer and the release of the lock. But the writer
//! wakes the waiting publishers after the release and before it checks again. This test appends at that
//! moment without a flush, as a stand-in for every append in between. In `topic_wakeups`, threads meet there
//! by chance.
#![cfg(feature = "actors")]
#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::topic_common;

use hub_core::topic::{Appended, DeliveryQueue, Ledger, QueuedRun, Written};
use hub_wire::Overflow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Wake, Waker};
use topic_common::{Client, assert_consecutive, event, run, stream};

fn single(number: u64) -> QueuedRun {
    run(&stream("t", 1, &[1]), number, &[event("t", number, None, 20)], Overflow::Block)
}

/// Appends the next number when it is woken, and waits to be woken again, up to a last number. It does
/// not flush, because another publisher has claimed the flush.
struct Publisher {
    queue: Arc<DeliveryQueue>,
    next: AtomicU64,
    last: u64,
}

impl Wake for Publisher {
    fn wake(self: Arc<Self>) {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        if number <= self.last {
            assert!(matches!(self.queue.append(single(number)), Appended::Done));
            self.queue.wake_when_drained(&Waker::from(self.clone()));
        }
    }
}

#[test]
fn what_comes_when_the_writer_has_let_go_is_written_by_it() {
    const LAST: u64 = 50;
    let ledger = Arc::<Ledger>::default();
    let queue = Arc::new(DeliveryQueue::new(1 << 20, ledger.clone()));
    assert!(matches!(queue.append(single(1)), Appended::Done));
    let publisher =
        Arc::new(Publisher { queue: queue.clone(), next: AtomicU64::new(2), last: LAST });
    queue.wake_when_drained(&Waker::from(publisher));
    let mut client = Client::default();
    let written = queue.write_with(|slices| {
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
        client.read(&bytes);
        Ok(bytes.len())
    });
    assert_eq!(written.unwrap(), Some(Written::All));
    assert_eq!(queue.queued_bytes(), 0);
    assert_eq!(assert_consecutive(1, &client.stream(&stream("t", 1, &[1]))), LAST + 1);
    let counts = ledger.counts();
    assert_eq!((counts.due, counts.delivered, counts.pending()), (LAST, LAST, 0));
}
