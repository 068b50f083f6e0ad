//! Gives each subscription with a window its own backlog in the delivery queue of its connection.
//!
//! Without separate backlogs, one slow listener would delay the events of all other listeners of its
//! connection.

use super::flow_list::{Flows, Settled};
use super::{Appended, DeliveryQueue, Waiting};
use crate::sync::Ordering;
use crate::topic::backlog::{Backlog, PushResult};
use crate::topic::flow::{Flow, FlowGauge, TakenTooMany};
use crate::topic::ledger::count;
use crate::topic::queue_item::QueueItem;
use crate::topic::queued_run::QueuedRun;
use crate::topic::room::RoomFor;
use hub_wire::{Ack, Outcome, Overflow, SubscriptionIds, Taken, Window};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Returns how many events these runs have.
fn events_of(runs: &[QueuedRun]) -> u64 {
    runs.iter().map(|run| u64::from(run.count)).sum()
}

impl DeliveryQueue {
    /// Gives a subscription a window. Until the subscription ends, at most so many events and bytes
    /// of it are on their way. `overflow` is the policy for what waits beyond that. With an
    /// acknowledgement time, the client acknowledges each event within that time.
    pub fn open_flow(
        &self,
        id: u64,
        window: Window,
        overflow: Overflow,
        ack_timeout: Option<Duration>,
    ) -> Arc<FlowGauge> {
        let mut flow = Flow::new(id, window, overflow, ack_timeout, self.ledger.held());
        self.account().into_iter().for_each(|account| flow.count_in(account));
        let gauge = flow.gauge().clone();
        let flows = &mut self.waiting.lock().flows.0;
        match flows.binary_search_by_key(&id, |flow| flow.id) {
            Ok(at) => self.give_up(&std::mem::replace(&mut flows[at], flow)),
            Err(at) => flows.insert(at, flow),
        }
        gauge
    }

    /// Ends the window of a subscription that has left its topics.
    ///
    /// If `drain` is true, its client gets everything that waits, whatever its window is, and may
    /// still finish it. Otherwise, what is not finished counts as lost with the subscription.
    pub fn close_flow(&self, id: u64, drain: bool) {
        let mut waiting = self.waiting.lock();
        let Waiting { backlog, flows } = &mut *waiting;
        let Some(flow) = flows.get(id) else { return };
        if drain && !flow.is_suspended() {
            flow.drain(|item| self.let_in_credited(backlog, item));
            if flow.is_over() {
                flows.remove(id);
            }
            return;
        }
        let flow = flows.remove(id);
        drop(waiting);
        flow.iter().for_each(|flow| self.give_up(flow));
        self.wake_waiting();
    }

    /// Counts what is not finished in a flow as lost.
    pub(super) fn give_up(&self, flow: &Flow) {
        flow.for_each_unfinished(|_, topic, deliveries| {
            count(&self.ledger.disconnected, deliveries);
            count(&topic.disconnected, deliveries);
        });
    }

    /// Handles a TAKEN frame: counts the events that the listener has finished as delivered, and
    /// queues what the window has room for now. The caller flushes the queue.
    ///
    /// # Errors
    /// The hub has not sent so many events.
    pub fn take(&self, taken: &Taken) -> Result<(), TakenTooMany> {
        let Waiting { backlog, flows } = &mut *self.waiting.lock();
        let Some(flow) = flows.get(taken.subscription) else { return Ok(()) };
        flow.take(taken, &self.ledger)?;
        self.taken.fetch_add(1, Ordering::Relaxed);
        self.unpark(backlog, flow);
        if flow.is_over() {
            flows.remove(taken.subscription);
        }
        Ok(())
    }

    /// Handles an ACK frame, and queues what the window has room for now. The caller flushes the
    /// queue, and lets the topic of each failed run [give it again](crate::topic::Topic::failed).
    ///
    /// # Errors
    /// The hub has not sent so many events.
    pub fn settle(&self, ack: &Ack, now: Instant) -> Result<Settled, TakenTooMany> {
        let mut settled = Settled::default();
        let Waiting { backlog, flows } = &mut *self.waiting.lock();
        let flow = flows.get(ack.subscription).filter(|flow| flow.is_acknowledged());
        let Some(flow) = flow else { return Ok(settled) };
        let (first, last) = (ack.first.max(1), flow.checked(ack.last)?);
        flow.got(last);
        let held = match ack.outcome {
            Outcome::Done => {
                settled.finished = flow.finish(first, last, &self.ledger);
                events_of(&settled.finished)
            }
            Outcome::Working => flow.extend(first, last, now),
            Outcome::Failed | Outcome::Rejected => {
                settled.failed = flow.fail(first, last);
                events_of(&settled.failed)
            }
        };
        self.taken.fetch_add(1, Ordering::Relaxed);
        settled.not_held = (last + 1).saturating_sub(first) - held;
        self.unpark(backlog, flow);
        if flow.is_over() {
            flows.remove(ack.subscription);
        }
        Ok(settled)
    }

    /// Returns how many events of a subscription its listener has taken. Returns `None` for a
    /// subscription without a window, and for one whose client acknowledges single events.
    #[must_use]
    pub fn taken(&self, id: u64) -> Option<u64> {
        let flows = &mut self.waiting.lock().flows;
        flows.get(id).filter(|flow| !flow.is_acknowledged()).map(|flow| flow.taken())
    }

    /// Checks that a delivery of an acknowledged subscription was sent.
    ///
    /// # Errors
    /// The error means that the hub has not sent so many deliveries.
    pub fn was_sent(&self, id: u64, delivery: u64) -> Result<(), TakenTooMany> {
        let flows = &mut self.waiting.lock().flows;
        let flow = flows.get(id).filter(|flow| flow.is_acknowledged());
        flow.map_or(Ok(()), |flow| flow.checked(delivery).map(drop))
    }

    /// Takes back the events of a subscription that its client has not acknowledged in time, and
    /// queues what the window has room for now. The caller flushes the queue.
    #[must_use]
    pub fn expire(&self, id: u64, now: Instant) -> Vec<QueuedRun> {
        let Waiting { backlog, flows } = &mut *self.waiting.lock();
        let flow = flows.get(id).filter(|flow| !flow.is_suspended());
        let Some(flow) = flow else { return Vec::new() };
        let late = flow.expire(now);
        if !late.is_empty() {
            self.unpark(backlog, flow);
        }
        late
    }

    /// Appends a run that is given to its subscription again, in front of what waits for the window.
    pub(in crate::topic) fn append_again(&self, run: QueuedRun) -> Appended {
        let Waiting { backlog, flows } = &mut *self.waiting.lock();
        let id = run.stream.subscriptions.as_slice().first();
        let flow = id.and_then(|id| flows.get(*id));
        match flow.filter(|_| !self.is_closed()) {
            None => Appended::Closed(run),
            Some(flow) => {
                flow.park_again(run);
                self.unpark(backlog, flow);
                Appended::Done
            }
        }
    }

    /// Queues what waits for the window of a subscription, as far as the window has room now.
    fn unpark(&self, backlog: &mut Backlog, flow: &mut Flow) {
        if flow.is_parking() {
            flow.unpark(self.limit(), |item| self.let_in_credited(backlog, item));
            if flow.has_drained(self.limit()) {
                self.wake_waiting();
            }
        }
    }

    /// Queues an entry of a flow that its window has room for.
    pub(super) fn let_in_credited(&self, backlog: &mut Backlog, item: QueueItem) {
        let item = match item {
            QueueItem::Run(run) => QueueItem::Run(run.credited()),
            other => other,
        };
        self.let_in(backlog, item);
    }

    /// Appends a run for the subscriptions that have a window. Returns the run for the other
    /// subscriptions, if there are any.
    ///
    /// # Errors
    /// A backlog has no room, and its policy ends the connection. The run comes back for all
    /// subscriptions that do not have it: otherwise the ledger would count it as waiting for ever.
    pub(super) fn append_to_flows(
        &self,
        backlog: &mut Backlog,
        flows: &mut Flows,
        run: QueuedRun,
    ) -> Result<Option<QueuedRun>, Box<QueuedRun>> {
        let ids = run.stream.subscriptions.as_slice();
        if flows.0.is_empty() || !ids.iter().any(|id| flows.has(*id)) {
            return Ok(Some(run));
        }
        let limit = self.limit();
        // Most often, every subscription has a window with room for the whole run.
        let at_once: SubscriptionIds = ids
            .iter()
            .copied()
            .filter(|id| flows.get(*id).is_some_and(|f| f.takes(&run, limit)))
            .collect();
        let mut without_window = Vec::new();
        for (n, id) in ids.iter().enumerate() {
            let Some(flow) = flows.get(*id) else {
                without_window.push(*id);
                continue;
            };
            if flow.takes(&run, limit) {
                flow.send(&run);
                continue;
            }
            let mut one = run.with_subscriptions(SubscriptionIds::one(*id));
            if ids.len() > 1 {
                // The run has the policy of the subscriptions without a window.
                one.overflow = flow.overflow;
            }
            if let PushResult::Overflowed(_) = flow.park(one, limit, &self.ledger) {
                let left = without_window.iter().chain(&ids[n..]).copied().collect();
                return Err(Box::new(run.with_subscriptions(left)));
            }
            flow.unpark(limit, |item| self.let_in_credited(backlog, item));
        }
        let without_window: SubscriptionIds = without_window.into_iter().collect();
        let for_others = (without_window != SubscriptionIds::NONE)
            .then(|| run.with_subscriptions(without_window));
        if at_once != SubscriptionIds::NONE {
            // Most often, the run goes on as it is. A copy would cost as much as the rest of this.
            let same = run.stream.subscriptions == at_once;
            let run = if same { run } else { run.with_subscriptions(at_once) };
            self.let_in(backlog, QueueItem::Run(run.credited()));
        }
        Ok(for_others)
    }

    /// Returns whether the queue, or the backlog of the subscription that the run is for, has room
    /// for the run.
    pub(super) fn has_room_for(&self, run: &QueuedRun) -> bool {
        let id = run.stream.subscriptions.as_slice().first();
        let mut waiting = self.waiting.lock();
        let flow = id.and_then(|id| waiting.flows.get(*id));
        match flow {
            Some(flow) => flow.has_room(run.size(), self.limit()),
            None => {
                drop(waiting);
                self.has_room(run.size())
            }
        }
    }

    /// Returns whether a publisher has to wait for room in the backlog of a subscription first.
    #[must_use]
    pub fn must_wait_for(&self, gauge: &FlowGauge, room: RoomFor, overflow: Overflow) -> bool {
        gauge.must_wait(room, self.limit(), overflow) && !self.is_closed()
    }
}
