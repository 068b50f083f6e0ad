//! The delivery queue of one connection: bounded, in order, and honest about what it drops.

mod write;

pub use write::Written;

use super::backlog::{Backlog, Bound, Push};
use super::delivery_stream::Lane;
use super::held_bytes::STEP;
use super::ledger::{Ledger, count};
use super::pending_gap::{Origin, Span};
use super::queue_item::Item;
use super::queued_run::{ITEM_OVERHEAD, QueuedRun};
use super::waiters::Waiters;
use super::write_buffer::Sending;
use crate::overflow::{policy, without_publisher};
use crate::sync::{AtomicBool, AtomicUsize, Mutex, Ordering};
use bytes::Bytes;
use hub_wire::{Frame, GapReason, Overflow, RunFrame};
use std::sync::Arc;
use std::task::Waker;

/// Everything that waits to be sent on one connection.
///
/// Publishers append under the backlog's lock, which is only ever held for memory operations;
/// writing has a lock of its own, so that nobody who appends waits for a system call.
#[derive(Debug)]
pub struct DeliveryQueue {
    backlog: Mutex<Backlog>,
    /// Locked before the backlog, where both are.
    sending: Mutex<Sending>,
    /// Bytes in both. Read without a lock by publishers that look for room.
    queued: AtomicUsize,
    control: AtomicUsize,
    /// What it takes beside its runs, as it last told the ledger.
    told: AtomicUsize,
    /// See [`DeliveryQueue::limit`].
    own_limit: usize,
    lagging: AtomicBool,
    flush_claimed: AtomicBool,
    /// No more runs are let in.
    closed: AtomicBool,
    waiters: Waiters,
    ledger: Arc<Ledger>,
}

/// What became of an appended run.
#[derive(Debug)]
pub enum Appended {
    /// It is queued, or a GAP stands in its place.
    Done,
    /// The queue was full and the policy is `disconnect`: the connection is to be closed, and
    /// takes no more runs. Here is this one.
    Overflowed(QueuedRun),
    /// The connection has ended; here is the run.
    Closed(QueuedRun),
}

/// What a queue looks like from outside, for tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueState {
    /// Bytes that wait, added up item by item.
    pub bytes: usize,
    /// What of that the client itself caused.
    pub control_bytes: usize,
    /// Events that wait, or were sent only in part.
    pub events: u64,
    /// Gaps that wait and were not encoded yet.
    pub gaps: usize,
}

impl DeliveryQueue {
    /// A queue that holds about `limit` bytes.
    ///
    /// A run is let in whole when no other waits behind what is being sent, and that is at most a
    /// quarter of `limit` and one run. So the bound is `limit`, or a quarter of it and two runs if
    /// that is more; and the gaps for what was dropped. Control frames are let in all the same.
    #[must_use]
    pub fn new(limit: usize, ledger: Arc<Ledger>) -> Self {
        DeliveryQueue {
            backlog: Mutex::default(),
            sending: Mutex::default(),
            queued: AtomicUsize::new(0),
            control: AtomicUsize::new(0),
            told: AtomicUsize::new(0),
            own_limit: limit,
            lagging: AtomicBool::new(false),
            flush_claimed: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            waiters: Waiters::default(),
            ledger,
        }
    }

    /// Bytes that wait, with what their bookkeeping takes.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    /// What of the bytes that wait its own client caused: control frames, and what it is told
    /// where a subscription starts. No policy drops these, so whoever reads from the client
    /// has to stop when they become too many.
    #[must_use]
    pub fn control_bytes(&self) -> usize {
        self.control.load(Ordering::Relaxed)
    }

    /// How it stands. Looks at everything that waits.
    #[must_use]
    pub fn state(&self) -> QueueState {
        let sending = self.sending.lock();
        let backlog = self.backlog.lock();
        let items = || sending.iter().chain(backlog.iter());
        QueueState {
            bytes: items().map(Item::size).sum(),
            control_bytes: items().map(Item::control_size).sum(),
            events: items().map(Item::events).sum(),
            gaps: items().filter(|item| matches!(item, Item::Gap(_))).count(),
        }
    }

    /// Whether the connection has ended, or is to end because it overflowed.
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
            && (policy(overflow).blocks() || !self.lagging.load(Ordering::Relaxed))
            && !self.is_closed()
    }

    /// Whether the queue has room for a run of `size` bytes.
    #[must_use]
    pub fn has_room(&self, size: usize) -> bool {
        let queued = self.queued_bytes();
        queued == 0 || queued + size + ITEM_OVERHEAD <= self.limit()
    }

    /// What may wait: less than at other times while the hub is short of memory.
    fn limit(&self) -> usize {
        self.own_limit.min(self.ledger.held.queue_limit())
    }

    /// Publishers wait from here on. A quarter of the bound: more would only add latency for
    /// subscribers that keep up, and leaves the rest to those that lag.
    fn high_water(&self) -> usize {
        self.limit() / 4
    }

    /// Has `waker` woken once when the queue has drained to half of where publishers wait, or
    /// has closed, or there may be another reason not to wait for it any more. Look again with
    /// [`DeliveryQueue::must_wait`] after this, before going to sleep.
    pub fn wake_when_drained(&self, waker: &Waker) {
        self.waiters.add(waker);
    }

    pub(super) fn wake_waiting(&self) {
        self.waiters.wake();
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

    /// Promises that the caller flushes the queue. Returns false if another caller has promised it
    /// before and has not begun to write yet: then this caller can rely on that one.
    #[must_use]
    pub fn claim_flush(&self) -> bool {
        !self.flush_claimed.swap(true, Ordering::AcqRel)
    }

    /// Counts events as due, for the hub and for their topic.
    pub(super) fn count_due(&self, topic: &Ledger, events: u32) {
        count(&self.ledger.due, events.into());
        count(&topic.due, events.into());
    }

    /// Counts what nobody gets because the connection has ended.
    fn count_disconnected<'a>(&self, runs: impl Iterator<Item = &'a QueuedRun>) {
        for run in runs {
            count(&self.ledger.disconnected, run.count.into());
            count(&run.ledger.disconnected, run.count.into());
        }
    }

    /// Tells of each run that waits, or was sent only in part, whose it is and how many events it
    /// holds.
    pub fn for_each_waiting(&self, mut tell: impl FnMut(&Lane, u32)) {
        let sending = self.sending.lock();
        let backlog = self.backlog.lock();
        let runs = sending.iter().chain(backlog.iter()).filter_map(Item::run);
        runs.for_each(|run| tell(&run.lane, run.count));
    }

    /// Appends a run, or what its overflow policy makes of it. Counts it as due.
    pub fn append(&self, run: QueuedRun) -> Appended {
        self.count_due(&run.ledger, run.count);
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
        let pushed = backlog.push(run, Bound { limit: self.limit(), sending }, &self.ledger);
        changed(&self.queued, before, backlog.bytes());
        self.tell_size(&backlog);
        match pushed {
            Push::Done => Appended::Done,
            Push::Overflowed(run) => {
                // A later run that fits would hide that this one is missing.
                self.closed.store(true, Ordering::Release);
                drop(backlog);
                self.wake_waiting();
                Appended::Overflowed(run)
            }
        }
    }

    /// Appends a run, counted as due before, for which no publisher can be made to wait: it is
    /// from the past, or from another member of its group. What does not fit becomes a GAP under
    /// every policy, see [`without_publisher`].
    pub(super) fn append_past(&self, mut run: QueuedRun) -> Appended {
        if !self.has_room(run.size()) {
            run.overflow = without_publisher(run.overflow);
        }
        self.append_due(run)
    }

    /// Appends a GAP for numbers from before a subscription's start.
    pub fn append_gap(&self, lane: Lane, from: u64, to: Option<u64>, reason: GapReason) {
        self.append_item(Item::Gap(Span { lane, from, to, reason, origin: Origin::Past }));
    }

    /// Appends a RUN without events: the lane stands at `next`.
    pub(super) fn append_position(&self, lane: &Lane, next: u64) {
        let position = RunFrame {
            topic: lane.topic.as_str(),
            epoch: lane.epoch,
            first: next,
            count: 0,
            publisher: "",
            time_ms: 0,
            subscription: lane.subscription,
        };
        let frame = Frame::Run(position).to_bytes().into();
        self.append_item(Item::Control(frame, Some(lane.topic.clone())));
    }

    /// Appends a control frame, which is always queued.
    pub fn append_control(&self, frame: impl Into<Bytes>) {
        self.append_item(Item::Control(frame.into(), None));
    }

    fn append_item(&self, item: Item) {
        let mut backlog = self.backlog.lock();
        let ended = match item.track() {
            Some(_) => self.is_closed(),
            None => backlog.sealed,
        };
        if !ended {
            self.let_in(&mut backlog, item);
        }
    }

    fn let_in(&self, backlog: &mut Backlog, item: Item) {
        self.control.fetch_add(item.control_size(), Ordering::Relaxed);
        self.queued.fetch_add(item.size(), Ordering::Relaxed);
        backlog.push_item(item);
        self.tell_size(backlog);
    }

    /// Tells the ledger what this queue takes beside its runs, if that has changed by much or is over.
    fn tell_size(&self, backlog: &Backlog) {
        let now = backlog.len() * ITEM_OVERHEAD + self.control_bytes();
        let told = self.told.load(Ordering::Relaxed);
        if now.abs_diff(told) >= STEP || (now == 0 && told > 0) {
            self.told.store(now, Ordering::Relaxed);
            self.ledger.held.change(told, now);
        }
    }

    /// Drops what may be dropped, by its policy the oldest first, until at most `most` bytes wait.
    /// Whether more is left, and events are among it for which the connection is to be closed.
    #[must_use]
    pub fn shed(&self, most: usize) -> bool {
        let mut backlog = self.backlog.lock();
        let before = backlog.bytes();
        if before <= most {
            return false;
        }
        backlog.shed(most, &self.ledger);
        changed(&self.queued, before, backlog.bytes());
        self.tell_size(&backlog);
        let to_close = |item: &Item| matches!(item, Item::Run(run) if policy(run.overflow).ends());
        let overflowed = backlog.bytes() > most && backlog.iter().any(to_close);
        drop(backlog);
        self.after_write();
        overflowed
    }

    /// Appends a last frame and lets nothing more in.
    pub fn finish(&self, frame: impl Into<Bytes>) {
        self.seal(Some(frame.into()));
    }

    /// Lets nothing more in; what waits stays for [`DeliveryQueue::reclaim`].
    pub fn close(&self) {
        self.seal(None);
    }

    fn seal(&self, last: Option<Bytes>) {
        let mut backlog = self.backlog.lock();
        if let Some(frame) = last.filter(|_| !backlog.sealed) {
            self.let_in(&mut backlog, Item::Control(frame, None));
        }
        backlog.sealed = true;
        self.closed.store(true, Ordering::Release);
        drop(backlog);
        self.wake_waiting();
    }

    /// Drops what waits and lets no more runs in, for a connection that is to be closed for being
    /// too slow. To the client it is as if the connection had broken where its first event is
    /// missing. Runs of groups stay for [`DeliveryQueue::reclaim`].
    pub fn discard(&self) {
        let mut backlog = self.backlog.lock();
        self.closed.store(true, Ordering::Release);
        let before = backlog.bytes();
        let dropped = backlog.discard();
        changed(&self.queued, before, backlog.bytes());
        drop(backlog);
        let control = dropped.iter().map(Item::control_size).sum();
        self.control.fetch_sub(control, Ordering::Relaxed);
        self.count_disconnected(dropped.iter().filter_map(Item::run));
        self.wake_waiting();
    }

    /// Counts runs that were taken back and that nobody is left for.
    pub fn abandon(&self, runs: &[QueuedRun]) {
        self.count_disconnected(runs.iter());
    }
}

/// Corrects a sum of sizes.
fn changed(sum: &AtomicUsize, before: usize, after: usize) {
    if after >= before {
        sum.fetch_add(after - before, Ordering::Relaxed);
    } else {
        sum.fetch_sub(before - after, Ordering::Relaxed);
    }
}

impl Drop for DeliveryQueue {
    /// What nobody sent or took back is lost with the connection; the ledger says so.
    fn drop(&mut self) {
        let (sending, backlog) = (self.sending.lock(), self.backlog.lock());
        let left = sending.iter().chain(backlog.iter());
        self.count_disconnected(left.filter_map(Item::run));
        self.ledger.held.change(self.told.load(Ordering::Relaxed), 0);
    }
}
