//! From the queue to the socket.

use super::{DeliveryQueue, changed};
use crate::sync::Ordering;
use crate::topic::delivery_stream::Lane;
use crate::topic::ledger::count;
use crate::topic::queue_item::Item;
use crate::topic::queued_run::QueuedRun;
use crate::topic::write_buffer::Sending;
use std::io::{self, ErrorKind, IoSlice};

/// Bytes after which [`DeliveryQueue::write_with`] lets go, so that a socket that takes all there
/// is does not keep one thread for itself while others append. Some hundred microseconds of writing.
const TURN_BYTES: usize = 1024 * 1024;

/// How far a write got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// Nothing waits any more.
    All,
    /// More waits: the socket takes no more for now, or it took so much that it is the turn of
    /// others. Write again when the socket is ready.
    Blocked,
}

impl DeliveryQueue {
    /// Writes what waits, in order, until nothing is left or the socket takes no more.
    ///
    /// `write` is a non-blocking vectored write. If another thread is writing, this returns
    /// `None` at once: that thread will see what was appended before this call.
    ///
    /// # Errors
    /// What `write` returned, other than "would block" and "interrupted".
    pub fn write_with(
        &self,
        mut write: impl FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    ) -> io::Result<Option<Written>> {
        let mut turn = TURN_BYTES;
        loop {
            // Before looking at the backlog: a thread that appends after that look claims the flush again. Swapped, not
            // stored: a store may become visible after the lock was found taken. Then somebody could
            // still rely on this thread, and the one that has the lock already be through.
            self.flush_claimed.swap(false, Ordering::AcqRel);
            let Some(mut sending) = self.sending.try_lock() else {
                return Ok(None);
            };
            let written = self.write_all(&mut sending, &mut turn, &mut write);
            drop(sending);
            self.after_write();
            // Somebody may have appended, found the lock taken, and relied on this thread.
            if written? == Written::Blocked {
                return Ok(Some(Written::Blocked));
            }
            if self.backlog.lock().is_empty() {
                return Ok(Some(Written::All));
            }
        }
    }

    fn write_all(
        &self,
        sending: &mut Sending,
        turn: &mut usize,
        write: &mut impl FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    ) -> io::Result<Written> {
        loop {
            if sending.runs_dry(self.limit()) {
                self.refill(sending);
            }
            if sending.is_empty() {
                return Ok(Written::All);
            }
            if *turn == 0 {
                return Ok(Written::Blocked);
            }
            match sending.write(write) {
                Ok(sent) => {
                    *turn = turn.saturating_sub(sent.bytes);
                    self.queued.fetch_sub(sent.bytes, Ordering::Relaxed);
                    self.control.fetch_sub(sent.control, Ordering::Relaxed);
                    count(&self.ledger.delivered, sent.events);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return Ok(Written::Blocked);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn refill(&self, sending: &mut Sending) {
        let mut backlog = self.backlog.lock();
        while sending.has_space(self.limit()) {
            let Some(item) = backlog.pop() else { break };
            let (size, control_size) = (item.size(), item.control_size());
            let item = match item {
                Item::Gap(span) => {
                    count(&self.ledger.gaps, 1);
                    Item::Control(span.frame(), None)
                }
                other => other,
            };
            changed(&self.queued, size, item.size());
            changed(&self.control, control_size, item.control_size());
            sending.push(item);
        }
        self.tell_size(&backlog);
    }

    pub(super) fn after_write(&self) {
        if self.queued_bytes() <= self.high_water() / 2 {
            self.lagging.store(false, Ordering::Relaxed);
            self.wake_waiting();
        }
    }

    /// Takes back what waits for a queue group of a topic, wholly unsent, in order.
    ///
    /// Waits for a write that is under way, so nobody else should wait for the caller.
    #[must_use]
    pub fn reclaim(&self, lane: &Lane, group: &str) -> Vec<QueuedRun> {
        let mine = |run: &QueuedRun| run.lane == *lane && run.group.as_deref() == Some(group);
        let mut sending = self.sending.lock();
        let mut backlog = self.backlog.lock();
        let mut taken = sending.take_runs(mine);
        taken.extend(backlog.take_runs(mine));
        let freed: usize = taken.iter().map(QueuedRun::size).sum();
        self.queued.fetch_sub(freed, Ordering::Relaxed);
        drop((sending, backlog));
        self.after_write();
        taken
    }
}
