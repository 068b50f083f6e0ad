//! Implements the delivery queue of one connection. The queue is bounded and keeps the order. It
//! puts a GAP in the place of each event that it drops.
//!
//! Without the bound, one slow subscriber could take all the memory of the hub.

mod counted;
mod end;
mod flow_list;
mod flows;
mod keep;
mod past;
mod write;

pub use flow_list::Settled;
pub(super) use past::{Page, Replayed};
pub use write::Written;

use super::account::WaitingSize;
use super::backlog::{Backlog, PushResult, QueueBound};
use super::held_bytes::REPORT_STEP;
use super::ledger::{Ledger, count};
use super::queue_item::QueueItem;
use super::queued_run::{ITEM_OVERHEAD, QueuedRun, count_disconnected};
use super::room::RoomFor;
use super::waiters::Waiters;
use super::write_buffer::WriteBuffer;
use crate::sync::{AtomicBool, AtomicUsize, Mutex, Ordering};
use bytes::Bytes;
use flow_list::Flows;
use hub_wire::Overflow;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};
use std::task::Waker;

/// Holds everything that waits to be written to one connection.
///
/// Publishers append under the lock of the backlog, which a thread holds only for operations in
/// memory. Writing has a lock of its own, so that a publisher that appends never waits for a system
/// call.
#[derive(Debug)]
pub struct DeliveryQueue {
    waiting: Mutex<Waiting>,
    /// A thread that holds both locks has locked the write buffer before the waiting entries.
    write_buffer: Mutex<WriteBuffer>,
    /// The write buffer and the backlog together count for this many bytes. Publishers that look for room
    /// read this number without a lock.
    queued: AtomicUsize,
    /// The client of the connection itself caused this many of these bytes.
    control: AtomicUsize,
    /// The queue last reported this size to the ledger. The size does not include the runs.
    reported: AtomicUsize,
    /// What waits here counts in the account of the client, once the client is known.
    waits_for: OnceLock<WaitingSize>,
    /// The queue itself has this bound, in bytes. See [`DeliveryQueue::limit`].
    own_limit: usize,
    /// The client has taken this many bytes. A TAKEN or ACK frame counts as one.
    taken: AtomicU64,
    /// If this is true, the grace of the subscriber is over, and its queue has not drained since.
    lagging: AtomicBool,
    /// If this is true, a thread has promised to flush the queue, and has not begun to write yet.
    flush_claimed: AtomicBool,
    /// If this is true, the queue accepts no more runs.
    closed: AtomicBool,
    waiters: Waiters,
    ledger: Arc<Ledger>,
}

/// Holds what waits behind the write buffer.
#[derive(Debug, Default)]
struct Waiting {
    /// These entries are sent as the socket takes them.
    backlog: Backlog,
    /// The subscriptions with a window, which have a backlog each.
    flows: Flows,
}

/// States the result of appending a run.
#[derive(Debug)]
pub enum Appended {
    /// The queue has the run, or a GAP in its place.
    Done,
    /// The queue was full, and the policy of the run is `disconnect`. The queue accepts no more
    /// runs, and the caller has to close its connection. The run comes back to the caller.
    Overflowed(QueuedRun),
    /// The connection has ended. The run comes back to the caller.
    Closed(QueuedRun),
}

/// Describes the state of a queue, for tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueState {
    /// The entries count for this many bytes, added up entry by entry.
    pub bytes: usize,
    /// The client itself caused this many of these bytes.
    pub control_bytes: usize,
    /// This many deliveries wait or are written only in part, or are not finished by a listener.
    pub events: u64,
    /// This many gaps wait and are not encoded yet.
    pub gaps: usize,
}

impl DeliveryQueue {
    /// Returns an empty queue that holds about `limit` bytes.
    ///
    /// The queue accepts a run of any size when no other run waits behind the write buffer, and the
    /// write buffer holds at most a quarter of `limit` and one run. So the queue holds at most `limit`
    /// bytes, or a quarter of `limit` and two runs if that is more. Gaps for dropped events come on
    /// top of that, and control frames are always accepted.
    #[must_use]
    pub fn new(limit: usize, ledger: Arc<Ledger>) -> Self {
        DeliveryQueue {
            waiting: Mutex::default(),
            write_buffer: Mutex::default(),
            queued: AtomicUsize::new(0),
            control: AtomicUsize::new(0),
            reported: AtomicUsize::new(0),
            waits_for: OnceLock::new(),
            own_limit: limit,
            taken: AtomicU64::new(0),
            lagging: AtomicBool::new(false),
            flush_claimed: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            waiters: Waiters::default(),
            ledger,
        }
    }

    /// Returns for how many bytes the waiting entries count, with the overhead of each entry.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    /// Returns how many of the waiting bytes the client of the connection itself caused. These are
    /// control frames, and the positions and gaps at the start of a subscription. No policy drops
    /// them, so a session has to stop reading from the client when they become too many.
    #[must_use]
    pub fn control_bytes(&self) -> usize {
        self.control.load(Ordering::Relaxed)
    }

    /// Returns the state of the queue. The call visits every waiting entry.
    #[must_use]
    pub fn state(&self) -> QueueState {
        let buffer = self.write_buffer.lock();
        let Waiting { backlog, flows } = &*self.waiting.lock();
        let items = || buffer.iter().chain(backlog.iter());
        let mut events = items().map(QueueItem::deliveries).sum();
        flows.for_each_unfinished(|_, _, deliveries| events += deliveries);
        let gap = |item: &&QueueItem| matches!(item, QueueItem::Gap(_));
        QueueState {
            bytes: items().map(QueueItem::size).sum(),
            control_bytes: items().map(QueueItem::control_size).sum(),
            events,
            gaps: items().filter(gap).count() + flows.parked().filter(gap).count(),
        }
    }

    /// Returns whether the connection has ended, or has to end because its queue overflowed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Returns whether a publisher with a run of `size` bytes has to wait for room in this queue first.
    ///
    /// Once the grace of a subscriber is over, publishers do not wait for it again until its queue has
    /// drained, unless its policy is `block`.
    #[must_use]
    pub fn must_wait(&self, size: usize, overflow: Overflow) -> bool {
        self.must_wait_as(RoomFor::size(size), overflow)
    }

    /// Returns whether a publisher has to wait for room in this queue first, as
    /// [`DeliveryQueue::must_wait`] does.
    pub(super) fn must_wait_as(&self, room: RoomFor, overflow: Overflow) -> bool {
        let is_lagging = self.lagging.load(Ordering::Relaxed);
        room.has_to_wait(self.queued_bytes(), self.limit(), overflow, is_lagging)
            && !self.is_closed()
    }

    /// Returns whether the queue has room for a run of `size` bytes.
    #[must_use]
    pub fn has_room(&self, size: usize) -> bool {
        let queued = self.queued_bytes();
        queued == 0 || queued + size + ITEM_OVERHEAD <= self.limit()
    }

    /// Returns from how many bytes on publishers wait: a quarter of the bound. A higher mark would only
    /// add latency for subscribers that keep up. The rest of the queue is for subscribers whose grace
    /// is over.
    fn high_water(&self) -> usize {
        self.limit() / 4
    }

    /// Returns how much the client has taken so far. The number changes with everything that the client
    /// takes, so it shows whether the client takes anything.
    #[must_use]
    pub fn taken_bytes(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Returns how many bytes a client takes at least before publishers that wait for it go on.
    #[must_use]
    pub fn drained_bytes(&self) -> usize {
        self.high_water() / 2
    }

    /// Registers a waker, which is woken once: when the queue has drained to half of the mark from which
    /// publishers wait, when it has closed, or when there may be another reason not to wait any more.
    ///
    /// After this call, the caller has to check [`DeliveryQueue::must_wait`] again before it sleeps.
    /// Otherwise it could miss a change that came just before the call.
    pub fn wake_when_drained(&self, waker: &Waker) {
        self.waiters.add(waker);
    }

    /// Wakes the publishers that wait for this queue.
    pub(super) fn wake_waiting(&self) {
        self.waiters.wake();
    }

    /// Returns the ledger of the hub.
    pub(super) fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// Ends the grace of the subscriber.
    pub fn end_grace(&self) {
        self.lagging.store(true, Ordering::Relaxed);
        self.waiting.lock().flows.end_grace();
    }

    /// Returns whether the grace of the subscriber is over and its queue has not drained since.
    #[must_use]
    pub fn is_lagging(&self) -> bool {
        self.lagging.load(Ordering::Relaxed)
    }

    /// Promises that the caller flushes the queue. Returns false if another caller has promised it
    /// before and has not begun to write yet. In that case, this caller can rely on the other
    /// caller.
    #[must_use]
    pub fn claim_flush(&self) -> bool {
        !self.flush_claimed.swap(true, Ordering::AcqRel)
    }

    /// Counts deliveries as due, for the hub and for the topic.
    pub(super) fn count_due(&self, topic: &Ledger, deliveries: u64) {
        count(&self.ledger.due, deliveries);
        count(&topic.due, deliveries);
    }

    /// Calls `visit` with the epoch and the number of the deliveries that wait, are written only in
    /// part, or are not finished by a listener.
    pub fn for_each_pending(&self, mut visit: impl FnMut(u64, u64)) {
        let buffer = self.write_buffer.lock();
        let Waiting { backlog, flows } = &*self.waiting.lock();
        for item in buffer.iter().chain(backlog.iter()) {
            if let Some(run) = item.run() {
                visit(run.stream.epoch, item.deliveries());
            }
        }
        flows.for_each_unfinished(|epoch, _, deliveries| visit(epoch, deliveries));
    }

    /// Counts the events of a run as due and appends the run. If it does not fit, its overflow policy
    /// applies.
    pub fn append(&self, run: QueuedRun) -> Appended {
        self.count_due(&run.ledger, run.deliveries());
        self.append_due(run)
    }

    /// Appends a run whose events are already counted as due.
    pub fn append_due(&self, run: QueuedRun) -> Appended {
        let mut waiting = self.waiting.lock();
        if self.is_closed() {
            return Appended::Closed(run);
        }
        let Waiting { backlog, flows } = &mut *waiting;
        let run = match self.append_to_flows(backlog, flows, run) {
            Ok(Some(without_window)) => without_window,
            Ok(None) => return Appended::Done,
            Err(overflowed) => {
                self.closed.store(true, Ordering::Release);
                drop(waiting);
                self.wake_waiting();
                return Appended::Overflowed(*overflowed);
            }
        };
        // The write buffer counts towards the bound, too.
        let before = backlog.bytes();
        let writing = self.queued_bytes().saturating_sub(before);
        let pushed = backlog.push(run, QueueBound { limit: self.limit(), writing }, &self.ledger);
        changed(&self.queued, before, backlog.bytes());
        self.report_size(backlog);
        match pushed {
            PushResult::Done => Appended::Done,
            PushResult::Overflowed(run) => {
                // The queue must accept no later run, even if it fits. A later run would hide that
                // this run is missing.
                self.closed.store(true, Ordering::Release);
                drop(waiting);
                self.wake_waiting();
                Appended::Overflowed(run)
            }
        }
    }

    /// Appends a control frame. The queue accepts it even if it is full.
    pub fn append_control(&self, frame: impl Into<Bytes>) {
        self.append_item(QueueItem::Control(frame.into()));
    }

    /// Appends a control frame or a gap, unless the queue accepts no such entry any more.
    fn append_item(&self, mut item: QueueItem) {
        let Waiting { backlog, flows } = &mut *self.waiting.lock();
        let ended = match item.ordering_key() {
            Some(_) => self.is_closed(),
            None => backlog.ended,
        };
        if ended {
            return;
        }
        match flows.of(&item) {
            Some(flow) if flow.is_parking() => flow.park_item(item),
            flow => {
                // The positions before SUBSCRIBED need no note: a client that resumes has got them.
                if let (Some(flow), QueueItem::Gap(_)) = (flow, &item) {
                    flow.note(&mut item);
                }
                self.let_in(backlog, item);
            }
        }
    }

    /// Appends an entry, even if that exceeds the bound.
    fn let_in(&self, backlog: &mut Backlog, item: QueueItem) {
        self.control.fetch_add(item.control_size(), Ordering::Relaxed);
        self.queued.fetch_add(item.size(), Ordering::Relaxed);
        backlog.push_item(item);
        self.report_size(backlog);
    }

    /// Reports to the ledger how many bytes the queue takes beside its runs, if that number has changed
    /// by much or has become zero. Reports to the account how many bytes wait.
    fn report_size(&self, backlog: &Backlog) {
        self.report_waiting();
        let now = backlog.len() * ITEM_OVERHEAD + self.control_bytes();
        let reported = self.reported.load(Ordering::Relaxed);
        if now.abs_diff(reported) >= REPORT_STEP || (now == 0 && reported > 0) {
            self.reported.store(now, Ordering::Relaxed);
            self.ledger.held.change(reported, now);
        }
    }

    /// Drops runs whose policy allows it, the oldest first, until at most `most` bytes wait.
    ///
    /// Returns true if more bytes are left and a waiting run has the policy `disconnect`. The caller
    /// then has to close the connection.
    #[must_use]
    pub fn shed(&self, most: usize) -> bool {
        let mut waiting = self.waiting.lock();
        let Waiting { backlog, flows } = &mut *waiting;
        let mut overflowed = flows.shed(most, &self.ledger);
        let before = backlog.bytes();
        if before > most {
            backlog.shed(most, &self.ledger);
            changed(&self.queued, before, backlog.bytes());
            self.report_size(backlog);
            overflowed |= backlog.bytes() > most && backlog.has_ending_run();
        }
        drop(waiting);
        self.after_write();
        overflowed
    }
}

/// Corrects a sum of sizes for a part that has changed from `before` to `after`.
fn changed(sum: &AtomicUsize, before: usize, after: usize) {
    if after >= before {
        sum.fetch_add(after - before, Ordering::Relaxed);
    } else {
        sum.fetch_sub(before - after, Ordering::Relaxed);
    }
}

impl Drop for DeliveryQueue {
    /// Counts the events that were neither written nor taken back as lost with the connection.
    fn drop(&mut self) {
        let (buffer, waiting) = (self.write_buffer.lock(), self.waiting.lock());
        let left = buffer.iter().chain(waiting.backlog.iter());
        count_disconnected(left.filter_map(QueueItem::run), &self.ledger);
        waiting.flows.0.iter().for_each(|flow| self.give_up(flow));
        self.ledger.held.change(self.reported.load(Ordering::Relaxed), 0);
    }
}
