//! Buffers the entries of a connection that are being written to its socket.
//!
//! Overflow policies cannot drop these entries any more, because the first of them may be written
//! in part. Without a bound for this buffer, everything that waits would be out of reach of the
//! policies.

use super::item_queue::reserve_first;
use super::ledger::count;
use super::queue_item::QueueItem;
use super::queued_run::QueuedRun;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};

/// The write buffer takes at most this many bytes out of the backlog. A socket takes about as many
/// bytes at once.
const MOST_BYTES: usize = 256 * 1024;
/// One `writev` gets at most this many pieces.
const MOST_SLICES: usize = 128;
/// An empty buffer keeps room for this many bytes of RUN frames.
const KEPT_HEADS: usize = 256;

/// Holds the entries that are being written. The first entry may be written in part. A gap is
/// encoded before it enters the buffer, so the buffer contains no [`QueueItem::Gap`].
#[derive(Debug, Default)]
pub(super) struct WriteBuffer {
    items: VecDeque<QueueItem>,
    /// These are the RUN frames of the runs in `items`, one behind the other. A run gets its RUN
    /// frame here and not in its queue, because a queue can hold far more runs.
    heads: Vec<u8>,
    /// Each entry of `items` has so many bytes of `heads`. An entry that is no run has none.
    head_lens: VecDeque<u32>,
    /// This many bytes of `heads` belong to entries that have left the buffer.
    heads_done: usize,
    /// This many bytes of the first entry are written already.
    first_written: usize,
    /// The entries count for this many bytes towards the bound of the queue.
    bytes: usize,
}

/// Counts what one write has finished.
#[derive(Debug, Default)]
pub(super) struct WriteProgress {
    /// So many deliveries were written to the last byte, of subscriptions without a window. The
    /// ledgers of their topics already count them.
    pub deliveries: u64,
    /// The finished entries counted for this many bytes towards the bound of the queue.
    pub bytes: usize,
    /// The client of the connection itself caused this many of the finished bytes.
    pub control: usize,
}

impl WriteBuffer {
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &QueueItem> {
        self.items.iter()
    }

    /// Returns how many bytes the buffer should hold at most in a queue of `limit` bytes. Most of the
    /// bytes that wait must stay within reach of the overflow policies.
    fn most(limit: usize) -> usize {
        MOST_BYTES.min(limit / 4)
    }

    /// Returns whether the buffer holds so few bytes that it is worth taking more entries.
    pub(super) fn is_low(&self, limit: usize) -> bool {
        self.is_empty() || self.bytes < Self::most(limit) / 2
    }

    /// Returns whether the buffer has space for one more entry.
    pub(super) fn has_space(&self, limit: usize) -> bool {
        self.is_empty() || (self.bytes < Self::most(limit) && self.items.len() < MOST_SLICES / 2)
    }

    pub(super) fn push(&mut self, item: QueueItem) {
        self.bytes += item.size();
        self.drop_old_heads();
        let start = self.heads.len();
        if let QueueItem::Run(run) = &item {
            run.write_head(&mut self.heads);
        }
        self.head_lens.push_back((self.heads.len() - start) as u32);
        reserve_first(&mut self.items);
        self.items.push_back(item);
    }

    /// Releases the RUN frames of entries that have left the buffer, if they are most of all.
    fn drop_old_heads(&mut self) {
        if self.items.is_empty() {
            self.heads.clear();
            self.heads_done = 0;
            // An idle connection keeps room for a few RUN frames only.
            self.heads.shrink_to(KEPT_HEADS);
        } else if self.heads_done > self.heads.len() / 2 {
            self.heads.drain(..self.heads_done);
            self.heads_done = 0;
        }
    }

    /// Returns each entry with the byte strings that it consists of, in order.
    fn parts(&self) -> impl Iterator<Item = (&QueueItem, [&[u8]; 2])> {
        let mut start = self.heads_done;
        self.items.iter().zip(&self.head_lens).map(move |(item, len)| {
            let end = start + *len as usize;
            let head = &self.heads[std::mem::replace(&mut start, end)..end];
            let parts = match item {
                QueueItem::Run(run) => [head, &*run.events],
                QueueItem::Control(frame) | QueueItem::Position(frame, _) => [&**frame, &[]],
                QueueItem::Gap(_) => [&[][..], &[]],
            };
            (item, parts)
        })
    }

    /// Writes as many bytes as possible with one call of `write`.
    pub(super) fn write(
        &mut self,
        write: &mut impl FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    ) -> io::Result<WriteProgress> {
        let mut slices = [IoSlice::new(&[]); MOST_SLICES];
        let (mut used, mut skip) = (0, self.first_written);
        'items: for (_, parts) in self.parts() {
            for part in parts {
                let skipped = skip.min(part.len());
                skip -= skipped;
                if skipped < part.len() {
                    slices[used] = IoSlice::new(&part[skipped..]);
                    used += 1;
                    if used == MOST_SLICES {
                        break 'items;
                    }
                }
            }
        }
        match write(&slices[..used])? {
            0 => Err(ErrorKind::WriteZero.into()),
            written => Ok(self.advance(written)),
        }
    }

    /// Counts `written` bytes as written, and removes the entries that are finished.
    fn advance(&mut self, written: usize) -> WriteProgress {
        self.first_written += written;
        let mut progress = WriteProgress::default();
        let (mut finished, mut written) = (0, self.first_written);
        for (item, parts) in self.parts() {
            let len: usize = parts.iter().map(|part| part.len()).sum();
            if written < len {
                break;
            }
            written -= len;
            finished += 1;
            if let QueueItem::Run(run) = item {
                let deliveries = item.deliveries();
                progress.deliveries += deliveries;
                count(&run.ledger.delivered, deliveries);
            }
            progress.bytes += item.size();
            progress.control += item.control_size();
        }
        self.first_written = written;
        self.items.drain(..finished);
        self.heads_done += self.head_lens.drain(..finished).map(|len| len as usize).sum::<usize>();
        self.bytes -= progress.bytes;
        progress
    }

    /// Removes the runs for which `mine` returns true and of which no byte was written, and returns them
    /// in order.
    pub(super) fn take_runs(&mut self, mine: impl Fn(&QueuedRun) -> bool) -> Vec<QueuedRun> {
        let mut taken = Vec::new();
        let started = usize::from(self.first_written > 0).min(self.items.len());
        let heads_before: u32 = self.head_lens.iter().take(started).sum();
        self.heads.truncate(self.heads_done + heads_before as usize);
        self.head_lens.truncate(started);
        for item in self.items.split_off(started) {
            self.bytes -= item.size();
            match item {
                QueueItem::Run(run) if mine(&run) => taken.push(run),
                other => self.push(other),
            }
        }
        taken
    }
}
