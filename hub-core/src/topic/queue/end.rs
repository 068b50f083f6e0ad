//! Ends a delivery queue: it stops accepting entries, and counts the events that no subscriber gets
//! any more.
//!
//! Each of these calls closes the queue before it wakes the waiting publishers. Otherwise a publisher
//! could check the queue, find it still open, and sleep for ever.

use super::{DeliveryQueue, changed};
use crate::sync::Ordering;
use crate::topic::queue_item::QueueItem;
use crate::topic::queued_run::{QueuedRun, count_disconnected};
use bytes::Bytes;

impl DeliveryQueue {
    /// Appends a last frame. The queue accepts no entry after that.
    pub fn finish(&self, frame: impl Into<Bytes>) {
        self.end(Some(frame.into()));
    }

    /// Closes the queue, which accepts no entry after that. Waiting entries stay, so that
    /// [`DeliveryQueue::reclaim`] can take back the runs of queue groups.
    pub fn close(&self) {
        self.end(None);
    }

    /// Appends the last frame, if there is one, and accepts no entry after that.
    fn end(&self, last: Option<Bytes>) {
        let mut waiting = self.waiting.lock();
        let backlog = &mut waiting.backlog;
        if let Some(frame) = last.filter(|_| !backlog.ended) {
            self.let_in(backlog, QueueItem::Control(frame));
        }
        backlog.ended = true;
        self.closed.store(true, Ordering::Release);
        drop(waiting);
        self.wake_waiting();
    }

    /// Drops the waiting entries and accepts no more runs, for a connection that is closed because it is
    /// too slow. To the client it looks as if the connection had ended in front of the first event
    /// that is missing.
    ///
    /// The runs of queue groups stay, so that [`DeliveryQueue::reclaim`] can take them back.
    pub fn discard(&self) {
        let mut waiting = self.waiting.lock();
        let backlog = &mut waiting.backlog;
        self.closed.store(true, Ordering::Release);
        let before = backlog.bytes();
        let dropped = backlog.discard();
        changed(&self.queued, before, backlog.bytes());
        drop(waiting);
        let control = dropped.iter().map(QueueItem::control_size).sum();
        self.control.fetch_sub(control, Ordering::Relaxed);
        self.report_waiting();
        count_disconnected(dropped.iter().filter_map(QueueItem::run), &self.ledger);
        self.wake_waiting();
    }

    /// Counts the events of runs that were taken back and that no other subscriber can take.
    pub fn abandon(&self, runs: &[QueuedRun]) {
        count_disconnected(runs, &self.ledger);
    }
}
