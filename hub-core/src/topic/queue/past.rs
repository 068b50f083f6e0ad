//! Appends what a subscription gets of the past: replayed runs, the gaps and positions that belong
//! to a replay, and runs that another member of a queue group left behind.
//!
//! No publisher waits with these entries. Without calls of their own for them, a replay could fill a
//! queue beyond its bound, or lose events because of a policy that is meant for publishers.

use super::{Appended, DeliveryQueue, Waiting};
use crate::overflow::without_publisher;
use crate::topic::delivery_stream::DeliveryStream;
use crate::topic::ledger::{Ledger, count};
use crate::topic::pending_gap::{GapOrigin, PendingGap};
use crate::topic::queue_item::QueueItem;
use crate::topic::queued_run::QueuedRun;
use hub_wire::{Frame, GapReason, RunFrame};

/// States how much of a queue a replay may fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::topic) enum Page {
    /// The subscription has just begun. The replay may fill half of the queue, so that a past of
    /// usual size comes at once.
    First,
    /// The replay has waited for room. It may fill the queue up to the mark from which waiting
    /// publishers are woken. Otherwise a long replay would make the publishers of other topics wait.
    Later,
}

/// States what became of a replayed run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::topic) enum Replayed {
    /// The queue has the run, and its events are due.
    Done,
    /// The queue has no room for the run now, and does not have it.
    NoRoom,
    /// The connection has ended.
    Closed,
}

impl Page {
    fn bound(self, limit: usize) -> usize {
        match self {
            Page::First => limit / 2,
            Page::Later => limit / 8,
        }
    }
}

impl DeliveryQueue {
    /// Counts the events of a replayed run for one subscription as due, and appends the run, if there
    /// is room for it. A run of any size has room if nothing waits.
    pub(in crate::topic) fn append_replayed(&self, run: QueuedRun, page: Page) -> Replayed {
        let mut waiting = self.waiting.lock();
        if self.is_closed() {
            return Replayed::Closed;
        }
        let Waiting { backlog, flows } = &mut *waiting;
        let id = run.stream.subscriptions.as_slice().first();
        let flow = id.and_then(|id| flows.get(*id));
        let waits = flow.map_or_else(|| self.queued_bytes(), |flow| flow.parked().bytes());
        if waits > 0 && waits + run.size() > page.bound(self.limit()) {
            return Replayed::NoRoom;
        }
        self.count_due(&run.ledger, run.deliveries());
        match self.append_to_flows(backlog, flows, run) {
            Ok(Some(without_window)) => self.let_in(backlog, QueueItem::Run(without_window)),
            Ok(None) => {}
            // The run has room, so no policy acts.
            Err(run) => self.abandon(&[*run]),
        }
        self.report_size(backlog);
        Replayed::Done
    }

    /// Counts events as due and as lost by overflow, because the history has forgotten them before
    /// there was room for them.
    pub(in crate::topic) fn count_lost(&self, topic: &Ledger, events: u64) {
        self.count_due(topic, events);
        count(&self.ledger.overflow, events);
        count(&topic.overflow, events);
    }

    /// Appends a run whose events are already counted as due and with which no publisher waits: a
    /// run of a replay, or a run that another member of its queue group left behind. A run that
    /// does not fit becomes a GAP under every policy, see [`without_publisher`].
    pub(in crate::topic) fn append_past(&self, mut run: QueuedRun) -> Appended {
        if !self.has_room_for(&run) {
            run.overflow = without_publisher(run.overflow);
        }
        self.append_due(run)
    }

    /// Appends a GAP for event numbers from before the start of a subscription.
    pub fn append_gap(
        &self,
        stream: DeliveryStream,
        from: u64,
        to: Option<u64>,
        reason: GapReason,
    ) {
        self.append_item(QueueItem::Gap(PendingGap {
            stream,
            from,
            to,
            reason,
            origin: GapOrigin::Replay,
        }));
    }

    /// Appends a RUN frame without events, which tells the client that the next event number of the
    /// stream is `next`. If `behind` is false, no entry of the stream comes before the frame, so it
    /// need not wait behind entries that the window of its subscription has no room for.
    pub(in crate::topic) fn append_position(
        &self,
        stream: &DeliveryStream,
        next: u64,
        behind: bool,
    ) {
        let position = RunFrame {
            topic: stream.topic.as_str(),
            epoch: stream.epoch,
            first: next,
            count: 0,
            publisher: "",
            time_ms: 0,
            subscriptions: stream.subscriptions.clone(),
            attempt: 1,
        };
        let frame = Frame::Run(position).to_bytes().into();
        let position = QueueItem::Position(frame, stream.clone());
        if behind {
            return self.append_item(position);
        }
        let mut waiting = self.waiting.lock();
        if !self.is_closed() {
            self.let_in(&mut waiting.backlog, position);
        }
    }
}
