//! The delivery queue of one connection: bounded, in order, and honest about what it drops.

use super::backlog::{Backlog, Push};
use super::item::{Item, Lane, QueuedRun, Span};
use super::ledger::{Ledger, count};
use crate::wire::{GapReason, Overflow};
use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Waker;

/// Bytes that are taken out of the backlog to be written; no policy can drop them any more.
/// About what a socket takes at once.
const SENDING_BYTES: usize = 256 * 1024;
/// Most pieces given to one `writev`.
const SENDING_SLICES: usize = 64;

/// Everything that waits to be sent on one connection.
///
/// Publishers append under the backlog's lock, which is only ever held for memory operations;
/// writing has a lock of its own, so that nobody who appends waits for a system call.
#[derive(Debug)]
pub struct DeliveryQueue {
    backlog: Mutex<Backlog>,
    sending: Mutex<Sending>,
    /// Bytes in both. Read without a lock by publishers that look for room.
    queued: AtomicUsize,
    control: AtomicUsize,
    limit: usize,
    lagging: AtomicBool,
    touched: AtomicBool,
    closed: AtomicBool,
    waiting: Mutex<Vec<Waker>>,
    ledger: Arc<Ledger>,
}

#[derive(Debug, Default)]
struct Sending {
    items: VecDeque<Item>,
    /// Bytes of the first item that are sent already.
    sent: usize,
    bytes: usize,
}

/// What became of an appended run.
#[derive(Debug)]
pub enum Appended {
    /// It is queued, or a GAP stands in its place.
    Done,
    /// The queue was full and the policy is `disconnect`: the connection is to be closed.
    Overflowed,
    /// The connection has ended; here is the run.
    Closed(QueuedRun),
}

/// How far a write got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// Nothing waits any more.
    All,
    /// The socket takes no more for now.
    Blocked,
}

impl DeliveryQueue {
    /// A queue that holds about `limit` bytes.
    ///
    /// A run is let in whole when the queue is empty, so the bound is `limit` plus one run.
    #[must_use]
    pub fn new(limit: usize, ledger: Arc<Ledger>) -> Self {
        DeliveryQueue {
            backlog: Mutex::default(),
            sending: Mutex::default(),
            queued: AtomicUsize::new(0),
            control: AtomicUsize::new(0),
            limit,
            lagging: AtomicBool::new(false),
            touched: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            waiting: Mutex::default(),
            ledger,
        }
    }

    /// Bytes that wait, with what their bookkeeping takes.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    /// Bytes of control frames that wait.
    #[must_use]
    pub fn control_bytes(&self) -> usize {
        self.control.load(Ordering::Relaxed)
    }

    /// Whether the connection has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Whether a publisher with `size` bytes for this queue should wait for room first.
    ///
    /// A subscriber that used up its grace is not waited for again until its queue has
    /// drained, unless its policy is `block`.
    #[must_use]
    pub fn must_wait(&self, size: usize, overflow: Overflow) -> bool {
        let queued = self.queued_bytes();
        queued > 0
            && queued + size > self.high_water()
            && (overflow == Overflow::Block || !self.lagging.load(Ordering::Relaxed))
            && !self.is_closed()
    }

    /// Whether the queue has room for `size` bytes more.
    #[must_use]
    pub fn has_room(&self, size: usize) -> bool {
        let queued = self.queued_bytes();
        queued == 0 || queued + size <= self.limit
    }

    /// Publishers wait from here on. A quarter of the bound: more would only add latency for
    /// subscribers that keep up, and leaves the rest to those that lag.
    fn high_water(&self) -> usize {
        self.limit / 4
    }

    /// Has `waker` woken when the queue has drained to half of where publishers wait, or has
    /// closed. Look again with [`DeliveryQueue::must_wait`] after this, before going to sleep.
    pub fn wake_when_drained(&self, waker: &Waker) {
        let mut waiting = self.waiting.lock();
        if !waiting.iter().any(|known| known.will_wake(waker)) {
            waiting.push(waker.clone());
        }
    }

    /// The subscriber's grace is over.
    pub fn end_grace(&self) {
        self.lagging.store(true, Ordering::Relaxed);
    }

    /// Whether the subscriber's grace is over and its queue has not drained since.
    #[must_use]
    pub fn is_lagging(&self) -> bool {
        self.lagging.load(Ordering::Relaxed)
    }

    /// Marks the queue as one that somebody is about to flush; true for the first who does.
    #[must_use]
    pub fn touch(&self) -> bool {
        !self.touched.swap(true, Ordering::AcqRel)
    }

    /// Appends a run, or what its overflow policy makes of it. Counts it as due.
    pub fn append(&self, run: QueuedRun) -> Appended {
        count(&self.ledger.due, run.count.into());
        self.append_due(run)
    }

    /// Appends a run that was counted as due before.
    pub fn append_due(&self, run: QueuedRun) -> Appended {
        let mut backlog = self.backlog.lock();
        if self.is_closed() {
            return Appended::Closed(run);
        }
        // What is being sent counts for the bound, too.
        let before = backlog.bytes();
        let sending = self.queued_bytes().saturating_sub(before);
        let result = backlog.push(run, self.limit.saturating_sub(sending), &self.ledger);
        self.queued_changed(before, backlog.bytes());
        match result {
            Push::Done => Appended::Done,
            Push::Disconnect => Appended::Overflowed,
        }
    }

    fn queued_changed(&self, before: usize, after: usize) {
        if after >= before {
            self.queued.fetch_add(after - before, Ordering::Relaxed);
        } else {
            self.queued.fetch_sub(before - after, Ordering::Relaxed);
        }
    }

    /// Appends a GAP for numbers that were not queued at all.
    pub fn append_gap(&self, lane: Lane, from: u64, to: Option<u64>, reason: GapReason) {
        self.append_item(Item::Gap(lane, Span { from, to, reason }));
    }

    /// Appends a control frame, which is always queued.
    pub fn append_control(&self, frame: impl Into<Bytes>) {
        self.append_item(Item::Control(frame.into()));
    }

    fn append_item(&self, item: Item) {
        let mut backlog = self.backlog.lock();
        if !self.is_closed() {
            self.let_in(&mut backlog, item);
        }
    }

    fn let_in(&self, backlog: &mut Backlog, item: Item) {
        if let Item::Control(frame) = &item {
            self.control.fetch_add(frame.len(), Ordering::Relaxed);
        }
        self.queued.fetch_add(item.size(), Ordering::Relaxed);
        backlog.push_item(item);
    }

    /// Appends a last frame and lets nothing more in.
    pub fn finish(&self, frame: impl Into<Bytes>) {
        let mut backlog = self.backlog.lock();
        if !self.closed.swap(true, Ordering::AcqRel) {
            self.let_in(&mut backlog, Item::Control(frame.into()));
        }
        drop(backlog);
        self.wake_waiting();
    }

    /// Lets nothing more in; what waits stays for [`DeliveryQueue::reclaim`].
    pub fn close(&self) {
        let backlog = self.backlog.lock();
        self.closed.store(true, Ordering::Release);
        drop(backlog);
        self.wake_waiting();
    }

    /// Drops all runs that wait, for a connection that is to be closed for being too slow.
    pub fn discard(&self) {
        let mut backlog = self.backlog.lock();
        let freed = backlog.discard(&self.ledger.disconnected);
        self.queued.fetch_sub(freed, Ordering::Relaxed);
    }

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
        loop {
            // Before looking at the backlog: who appends after that look touches again.
            self.touched.store(false, Ordering::Release);
            let Some(mut sending) = self.sending.try_lock() else {
                return Ok(None);
            };
            let written = self.write_all(&mut sending, &mut write);
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
        write: &mut impl FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    ) -> io::Result<Written> {
        loop {
            if sending.bytes < SENDING_BYTES / 2 {
                self.refill(sending);
            }
            if sending.items.is_empty() {
                return Ok(Written::All);
            }
            match sending.write(write) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => self.advance(sending, written),
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
        while sending.bytes < SENDING_BYTES && sending.items.len() < SENDING_SLICES {
            let Some(item) = backlog.pop() else { break };
            let before = item.size();
            let item = match item {
                Item::Gap(lane, span) => {
                    count(&self.ledger.gaps, 1);
                    let frame = span.frame(&lane);
                    self.control.fetch_add(frame.len(), Ordering::Relaxed);
                    Item::Control(frame)
                }
                other => other,
            };
            self.queued_changed(before, item.size());
            sending.bytes += item.size();
            sending.items.push_back(item);
        }
    }

    fn advance(&self, sending: &mut Sending, written: usize) {
        sending.sent += written;
        let (mut delivered, mut freed, mut control) = (0, 0, 0);
        while let Some(item) = sending.items.front() {
            let len = item_len(item);
            if sending.sent < len {
                break;
            }
            sending.sent -= len;
            freed += item.size();
            match item {
                Item::Run(run) => delivered += u64::from(run.count),
                _ => control += len,
            }
            sending.items.pop_front();
        }
        sending.bytes -= freed;
        self.queued.fetch_sub(freed, Ordering::Relaxed);
        self.control.fetch_sub(control, Ordering::Relaxed);
        count(&self.ledger.delivered, delivered);
    }

    fn after_write(&self) {
        if self.queued_bytes() <= self.high_water() / 2 {
            self.lagging.store(false, Ordering::Relaxed);
            self.wake_waiting();
        }
    }

    fn wake_waiting(&self) {
        let mut waiting = self.waiting.lock();
        waiting.drain(..).for_each(Waker::wake);
    }

    /// Takes back what waits for a queue group of a topic, wholly unsent, in order.
    #[must_use]
    pub fn reclaim(&self, lane: &Lane, group: &str) -> Vec<QueuedRun> {
        let mut sending = self.sending.lock();
        let mut backlog = self.backlog.lock();
        let mine = |run: &QueuedRun| run.lane == *lane && run.group.as_deref() == Some(group);
        let mut taken = Vec::new();
        let started = usize::from(sending.sent > 0).min(sending.items.len());
        let tail = sending.items.split_off(started);
        for item in tail {
            match item {
                Item::Run(run) if mine(&run) => {
                    sending.bytes -= run.size();
                    taken.push(run);
                }
                other => sending.items.push_back(other),
            }
        }
        taken.extend(backlog.take_runs(mine));
        let freed: usize = taken.iter().map(QueuedRun::size).sum();
        self.queued.fetch_sub(freed, Ordering::Relaxed);
        taken
    }

    /// Counts runs that were taken back and that nobody is left for.
    pub fn abandon(&self, runs: &[QueuedRun]) {
        let events = runs.iter().map(|run| u64::from(run.count)).sum();
        count(&self.ledger.disconnected, events);
    }
}

fn item_len(item: &Item) -> usize {
    match item {
        Item::Run(run) => run.head.len() + run.body.len(),
        Item::Control(bytes) => bytes.len(),
        Item::Gap(..) => 0, // encoded before it is sent
    }
}

impl Sending {
    fn write(
        &self,
        write: &mut impl FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let mut slices = [IoSlice::new(&[]); SENDING_SLICES];
        let (mut used, mut skip) = (0, self.sent);
        'items: for item in &self.items {
            let parts: [&[u8]; 2] = match item {
                Item::Run(run) => [&run.head, &run.body],
                Item::Control(bytes) => [bytes, &[]],
                Item::Gap(..) => continue,
            };
            for part in parts {
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
        write(&slices[..used])
    }
}

impl Drop for DeliveryQueue {
    /// What nobody sent or took back is lost with the connection; the ledger says so.
    fn drop(&mut self) {
        let sending = self.sending.get_mut();
        let events: u64 = sending
            .items
            .iter()
            .map(|item| if let Item::Run(run) = item { run.count.into() } else { 0 })
            .sum();
        count(&self.ledger.disconnected, events);
        self.backlog.get_mut().discard(&self.ledger.disconnected);
    }
}
