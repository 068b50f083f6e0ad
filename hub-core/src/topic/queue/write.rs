//! Writes a delivery queue to its socket.
//!
//! Any thread may write, and a thread that finds another thread writing leaves the bytes to that
//! thread. Without the second look at the end of a write, bytes that were appended at that moment
//! would stay behind.

use super::{DeliveryQueue, Waiting, changed};
use crate::sync::Ordering;
use crate::topic::delivery_stream::DeliveryStream;
use crate::topic::ledger::count;
use crate::topic::queue_item::QueueItem;
use crate::topic::queued_run::QueuedRun;
use crate::topic::write_buffer::WriteBuffer;
use std::io::{self, ErrorKind, IoSlice};

/// [`DeliveryQueue::write_with`] returns after it has written this many bytes. Otherwise a socket that
/// takes everything could keep one thread busy while other threads append. Writing this many bytes
/// takes some hundred microseconds.
const TURN_BYTES: usize = 1024 * 1024;

/// States what a write has left in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// Nothing waits any more in the queue.
    All,
    /// More bytes wait. The socket takes no more for now, or it took so many that other connections
    /// have their turn first. The caller has to write again when the socket is ready.
    Blocked,
}

impl DeliveryQueue {
    /// Writes the waiting bytes, in order, until nothing is left or the socket takes no more.
    ///
    /// `write` is a non-blocking vectored write. If another thread is writing, this function returns
    /// `None` at once, and that thread also writes the bytes that were appended before this call.
    ///
    /// # Errors
    /// An error of `write` is returned, unless its kind is `WouldBlock` or `Interrupted`.
    pub fn write_with(
        &self,
        mut write: impl FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    ) -> io::Result<Option<Written>> {
        let mut turn = TURN_BYTES;
        loop {
            // The claim ends before this thread reads the backlog, so a thread that appends later
            // claims the flush again. The flag is swapped and not stored, because a store may
            // become visible only after this thread has found the lock taken. Then another thread
            // could still rely on this thread, while the thread that has the lock has already read
            // the backlog.
            self.flush_claimed.swap(false, Ordering::AcqRel);
            let Some(mut buffer) = self.write_buffer.try_lock() else {
                return Ok(None);
            };
            let written = self.write_all(&mut buffer, &mut turn, &mut write);
            drop(buffer);
            self.after_write();
            // Another thread may have appended, found the lock taken, and relied on this thread.
            if written? == Written::Blocked {
                return Ok(Some(Written::Blocked));
            }
            if self.waiting.lock().backlog.is_empty() {
                return Ok(Some(Written::All));
            }
        }
    }

    /// Writes until nothing is left, the socket takes no more, or `turn` bytes are written.
    fn write_all(
        &self,
        buffer: &mut WriteBuffer,
        turn: &mut usize,
        write: &mut impl FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    ) -> io::Result<Written> {
        loop {
            if buffer.is_low(self.limit()) {
                self.refill(buffer);
            }
            if buffer.is_empty() {
                return Ok(Written::All);
            }
            if *turn == 0 {
                return Ok(Written::Blocked);
            }
            match buffer.write(write) {
                Ok(progress) => {
                    *turn = turn.saturating_sub(progress.bytes);
                    self.taken.fetch_add(progress.bytes as u64, Ordering::Relaxed);
                    self.queued.fetch_sub(progress.bytes, Ordering::Relaxed);
                    self.control.fetch_sub(progress.control, Ordering::Relaxed);
                    count(&self.ledger.delivered, progress.deliveries);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return Ok(Written::Blocked);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Moves entries from the backlog to the write buffer until it has no more space, and encodes gaps.
    fn refill(&self, buffer: &mut WriteBuffer) {
        let Waiting { backlog, .. } = &mut *self.waiting.lock();
        while buffer.has_space(self.limit()) {
            let Some(item) = backlog.pop() else { break };
            let (size, control_size) = (item.size(), item.control_size());
            let item = match item {
                QueueItem::Gap(gap) => {
                    count(&self.ledger.gaps, 1);
                    QueueItem::Control(gap.frame())
                }
                other => other,
            };
            changed(&self.queued, size, item.size());
            changed(&self.control, control_size, item.control_size());
            buffer.push(item);
        }
        self.report_size(backlog);
    }

    /// Wakes the waiting publishers and restores the grace of the subscriber, if the queue has drained.
    pub(super) fn after_write(&self) {
        self.report_waiting();
        if self.queued_bytes() <= self.high_water() / 2 {
            self.lagging.store(false, Ordering::Relaxed);
            self.wake_waiting();
        }
    }

    /// Removes the runs of a member of a queue group that others may get, and returns them in order:
    /// those that wait, and those that were sent and that its listener has not finished. Without a
    /// window, runs of which a byte was written stay.
    ///
    /// The call waits for a write that is under way, so the caller should hold no lock that other
    /// threads need.
    #[must_use]
    pub fn reclaim(&self, stream: &DeliveryStream, group: &str) -> Vec<QueuedRun> {
        let mine = |run: &QueuedRun| run.stream == *stream && run.group.as_deref() == Some(group);
        let mut buffer = self.write_buffer.lock();
        let mut waiting = self.waiting.lock();
        let mut taken = buffer.take_runs(mine);
        taken.extend(waiting.backlog.take_runs(mine));
        let freed: usize = taken.iter().map(QueuedRun::size).sum();
        self.queued.fetch_sub(freed, Ordering::Relaxed);
        // The flow of a subscription has these runs too, and the runs that are written already.
        taken.retain(|run| !run.credited);
        let flow = stream.subscriptions.as_slice().first().and_then(|id| waiting.flows.get(*id));
        taken.extend(flow.into_iter().flat_map(|flow| flow.take_back(mine)));
        drop((buffer, waiting));
        self.after_write();
        taken
    }
}
