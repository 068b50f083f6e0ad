//! What is being written to a connection's socket.

use super::item_queue::reserve_first;
use super::ledger::count;
use super::queue_item::Item;
use super::queued_run::QueuedRun;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};

/// Most bytes that are taken out of the backlog to be written; no policy can drop them any more.
/// About what a socket takes at once.
const SENDING_BYTES: usize = 256 * 1024;
/// Most pieces given to one `writev`.
const SENDING_SLICES: usize = 64;

/// Items of which the first may be written in part. Gaps are encoded: none is in here.
#[derive(Debug, Default)]
pub(super) struct Sending {
    items: VecDeque<Item>,
    /// Bytes of the first item that are sent already.
    sent: usize,
    bytes: usize,
}

/// What one write finished.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// Events of which the last byte was sent. They are counted for their topics.
    pub events: u64,
    /// What the items counted for in the queue's bound.
    pub bytes: usize,
    /// What of that was caused by the connection's own client.
    pub control: usize,
}

impl Sending {
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Item> {
        self.items.iter()
    }

    /// How many bytes it should hold at most in a queue of `limit` bytes: most of what waits
    /// has to be within reach of the overflow policies.
    fn most(limit: usize) -> usize {
        SENDING_BYTES.min(limit / 4)
    }

    /// Whether so little is left that it is worth taking more.
    pub(super) fn runs_dry(&self, limit: usize) -> bool {
        self.is_empty() || self.bytes < Self::most(limit) / 2
    }

    /// Whether one more item can be taken.
    pub(super) fn has_space(&self, limit: usize) -> bool {
        self.is_empty() || (self.bytes < Self::most(limit) && self.items.len() < SENDING_SLICES)
    }

    pub(super) fn push(&mut self, item: Item) {
        self.bytes += item.size();
        reserve_first(&mut self.items);
        self.items.push_back(item);
    }

    /// Writes what it can with one call of `write`.
    pub(super) fn write(
        &mut self,
        write: &mut impl FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    ) -> io::Result<Sent> {
        let mut slices = [IoSlice::new(&[]); SENDING_SLICES];
        let (mut used, mut skip) = (0, self.sent);
        'items: for item in &self.items {
            for part in parts(item) {
                let skipped = skip.min(part.len());
                skip -= skipped;
                if skipped < part.len() {
                    slices[used] = IoSlice::new(&part[skipped..]);
                    used += 1;
                    if used == SENDING_SLICES {
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

    fn advance(&mut self, written: usize) -> Sent {
        self.sent += written;
        let mut sent = Sent::default();
        while let Some(item) = self.items.front() {
            let len: usize = parts(item).iter().map(|part| part.len()).sum();
            if self.sent < len {
                break;
            }
            self.sent -= len;
            if let Item::Run(run) = item {
                sent.events += u64::from(run.count);
                count(&run.ledger.delivered, run.count.into());
            }
            sent.bytes += item.size();
            sent.control += item.control_size();
            self.items.pop_front();
        }
        self.bytes -= sent.bytes;
        sent
    }

    /// Takes out the runs for which `mine` holds and of which no byte was sent, in order.
    pub(super) fn take_runs(&mut self, mine: impl Fn(&QueuedRun) -> bool) -> Vec<QueuedRun> {
        let mut taken = Vec::new();
        let started = usize::from(self.sent > 0).min(self.items.len());
        for item in self.items.split_off(started) {
            match item {
                Item::Run(run) if mine(&run) => {
                    self.bytes -= run.size();
                    taken.push(run);
                }
                other => self.items.push_back(other),
            }
        }
        taken
    }
}

fn parts(item: &Item) -> [&[u8]; 2] {
    match item {
        Item::Run(run) => [&run.head, &run.body],
        Item::Control(frame, _) => [frame, &[]],
        Item::Gap(_) => [&[], &[]],
    }
}
