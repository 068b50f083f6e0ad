//! Lets subscriptions outlive their connection: the queue parts from what the connection was about to
//! write, keeps the flows of these subscriptions, and continues them on the next connection.
//!
//! The topics know the queue and not the connection. So no topic has to be told, however many topics
//! a subscription is for.

use super::flow_list::Flows;
use super::{DeliveryQueue, Waiting};
use crate::sync::Ordering;
use crate::topic::flow::{CannotResume, Flow};
use crate::topic::queue_item::QueueItem;
use bytes::Bytes;
use hub_wire::Resume;

impl DeliveryQueue {
    /// Makes a subscription with a window outlive its connection.
    pub fn keep_flow(&self, id: u64) {
        let mut waiting = self.waiting.lock();
        waiting.flows.get(id).into_iter().for_each(|flow| flow.keep());
    }

    /// Returns whether this subscription outlives its connection.
    #[must_use]
    pub fn keeps(&self, id: u64) -> bool {
        self.waiting.lock().flows.get(id).is_some_and(|flow| flow.is_kept())
    }

    /// Returns whether this subscription waits for its client to resume it.
    #[must_use]
    pub fn is_suspended(&self, id: u64) -> bool {
        self.waiting.lock().flows.get(id).is_some_and(|flow| flow.is_suspended())
    }

    /// Suspends the subscriptions for which `keeps` returns true, until their client resumes them.
    /// Returns a queue for the rest of the connection: it has everything that was about to be written,
    /// and the other flows. Returns `None`, and changes nothing, if this queue is closed.
    ///
    /// The call waits for a write that is under way. The caller flushes the returned queue.
    #[must_use]
    pub fn part(&self, keeps: impl Fn(u64) -> bool) -> Option<DeliveryQueue> {
        let rest = DeliveryQueue::new(self.own_limit, self.ledger.clone());
        self.account().into_iter().for_each(|account| rest.count_in(account));
        let mut buffer = self.write_buffer.lock();
        let mut waiting = self.waiting.lock();
        if self.is_closed() {
            return None;
        }
        *rest.write_buffer.lock() = std::mem::take(&mut *buffer);
        let Waiting { backlog, flows } = std::mem::take(&mut *waiting);
        let (kept, others) = flows.partition(|flow| flow.is_kept() && keeps(flow.id));
        waiting.flows = kept;
        waiting.flows.suspend();
        *rest.waiting.lock() = Waiting { backlog, flows: others };
        for (here, there) in [
            (&self.queued, &rest.queued),
            (&self.control, &rest.control),
            (&self.reported, &rest.reported),
        ] {
            there.store(here.swap(0, Ordering::Relaxed), Ordering::Relaxed);
        }
        self.forget_flush();
        drop((buffer, waiting));
        self.report_waiting();
        rest.report_waiting();
        self.wake_waiting();
        Some(rest)
    }

    /// Withdraws the promise of a caller to flush the queue, because there is no connection.
    pub fn forget_flush(&self) {
        self.flush_claimed.swap(false, Ordering::AcqRel);
    }

    /// Continues a subscription that [`DeliveryQueue::part`] has suspended: queues `answer`, and then
    /// everything that the client has not got, as far as the window has room. The caller flushes the
    /// queue.
    ///
    /// # Errors
    /// The error states why the subscription cannot be resumed. Nothing has changed then.
    pub fn resume(&self, resume: &Resume, answer: impl Into<Bytes>) -> Result<(), CannotResume> {
        let Waiting { backlog, flows } = &mut *self.waiting.lock();
        let flow = flows.get(resume.subscription).ok_or(CannotResume::Unknown)?;
        flow.rewind(resume)?;
        self.let_in(backlog, QueueItem::Control(answer.into()));
        flow.unpark(self.limit(), |item| self.let_in_credited(backlog, item));
        if flow.has_drained(self.limit()) {
            self.wake_waiting();
        }
        Ok(())
    }

    /// Returns for how many bytes the events of all subscriptions with a window count, whether they
    /// wait or are on their way.
    #[must_use]
    pub fn flow_bytes(&self) -> usize {
        self.waiting.lock().flows.bytes()
    }
}

impl Flows {
    /// Divides the flows into those for which `first` returns true and the others.
    fn partition(self, first: impl FnMut(&Flow) -> bool) -> (Self, Self) {
        let (first, others) = self.0.into_iter().partition(first);
        (Flows(first), Flows(others))
    }

    fn suspend(&mut self) {
        self.0.iter_mut().for_each(|flow| flow.suspend());
    }

    fn bytes(&self) -> usize {
        self.0.iter().map(|flow| flow.bytes()).sum()
    }
}
