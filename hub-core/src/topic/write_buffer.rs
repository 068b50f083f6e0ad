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
const MOST_SLICES: usize = 64;

/// Holds the entries that are being written. The first entry may be written in part. A gap is
/// encoded before it enters the buffer, so the buffer contains no [`QueueItem::Gap`].
#[derive(Debug, Default)]
pub(super) struct WriteBuffer {
    items: VecDeque<QueueItem>,
    /// This many bytes of the first entry are written already.
    first_written: usize,
    /// The entries count for this many bytes towards the bound of the queue.
    bytes: usize,
}

/// Counts what one write has finished.
#[derive(Debug, Default)]
pub(super) struct WriteProgress {
    /// The last byte of this many events was written. The ledgers of their topics already count them.
    pub events: u64,
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
        self.is_empty() || (self.bytes < Self::most(limit) && self.items.len() < MOST_SLICES)
    }

    pub(super) fn push(&mut self, item: QueueItem) {
        self.bytes += item.size();
        reserve_first(&mut self.items);
        self.items.push_back(item);
    }

    /// Writes as many bytes as possible with one call of `write`.
    pub(super) fn write(
        &mut self,
        write: &mut impl FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    ) -> io::Result<WriteProgress> {
        let mut slices = [IoSlice::new(&[]); MOST_SLICES];
        let (mut used, mut skip) = (0, self.first_written);
        'items: for item in &self.items {
            for part in parts(item) {
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
        while let Some(item) = self.items.front() {
            let len: usize = parts(item).iter().map(|part| part.len()).sum();
            if self.first_written < len {
                break;
            }
            self.first_written -= len;
            if let QueueItem::Run(run) = item {
                progress.events += u64::from(run.count);
                count(&run.ledger.delivered, run.count.into());
            }
            progress.bytes += item.size();
            progress.control += item.control_size();
            self.items.pop_front();
        }
        self.bytes -= progress.bytes;
        progress
    }

    /// Removes the runs for which `mine` returns true and of which no byte was written, and returns them
    /// in order.
    pub(super) fn take_runs(&mut self, mine: impl Fn(&QueuedRun) -> bool) -> Vec<QueuedRun> {
        let mut taken = Vec::new();
        let started = usize::from(self.first_written > 0).min(self.items.len());
        for item in self.items.split_off(started) {
            match item {
                QueueItem::Run(run) if mine(&run) => {
                    self.bytes -= run.size();
                    taken.push(run);
                }
                other => self.items.push_back(other),
            }
        }
        taken
    }
}

/// Returns the byte strings that an entry consists of, in order.
fn parts(item: &QueueItem) -> [&[u8]; 2] {
    match item {
        QueueItem::Run(run) => [&run.head, &run.body],
        QueueItem::Control(frame, _) => [frame, &[]],
        QueueItem::Gap(_) => [&[], &[]],
    }
}
