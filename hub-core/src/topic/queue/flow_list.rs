//! Finds the flow of a subscription among those of its connection. Without this list, each delivery
//! would have to look for its flow in the subscriptions of the session, which runs on another thread.

use crate::topic::flow::Flow;
use crate::topic::ledger::Ledger;
use crate::topic::queue_item::QueueItem;
use crate::topic::queued_run::QueuedRun;

/// Holds the flows of the subscriptions that have a window, sorted by their ids.
#[derive(Debug, Default)]
pub(super) struct Flows(pub(super) Vec<Flow>);

impl Flows {
    /// Returns the flow of a subscription.
    pub(super) fn get(&mut self, id: u64) -> Option<&mut Flow> {
        let at = self.0.binary_search_by_key(&id, |flow| flow.id).ok()?;
        self.0.get_mut(at)
    }

    pub(super) fn has(&self, id: u64) -> bool {
        self.0.binary_search_by_key(&id, |flow| flow.id).is_ok()
    }

    /// Removes the flow of a subscription.
    pub(super) fn remove(&mut self, id: u64) -> Option<Flow> {
        let at = self.0.binary_search_by_key(&id, |flow| flow.id).ok()?;
        Some(self.0.remove(at))
    }

    /// Returns the flow of a gap or a position.
    pub(super) fn of(&mut self, item: &QueueItem) -> Option<&mut Flow> {
        let stream = match item {
            QueueItem::Gap(gap) => Some(&gap.stream),
            QueueItem::Position(_, stream) => Some(stream),
            QueueItem::Run(_) | QueueItem::Control(_) => None,
        };
        self.get(*stream?.subscriptions.as_slice().first()?)
    }

    /// Ends the grace of each subscription that has a backlog.
    pub(super) fn end_grace(&self) {
        self.0.iter().for_each(|flow| flow.gauge().end_grace());
    }

    /// Drops parked runs whose policy allows it. Returns whether the connection has to be closed.
    pub(super) fn shed(&mut self, most: usize, ledger: &Ledger) -> bool {
        self.0.iter_mut().fold(false, |overflowed, flow| flow.shed(most, ledger) | overflowed)
    }

    /// Calls `visit` as [`Flow::for_each_unfinished`] does, for each flow.
    pub(super) fn for_each_unfinished(&self, mut visit: impl FnMut(u64, &Ledger, u64)) {
        self.0.iter().for_each(|flow| flow.for_each_unfinished(&mut visit));
    }

    /// Returns the parked entries of all flows.
    pub(super) fn parked(&self) -> impl Iterator<Item = &QueueItem> {
        self.0.iter().flat_map(|flow| flow.parked().iter())
    }
}

/// States what an ACK frame has settled.
#[derive(Debug, Default)]
pub struct Settled {
    /// The handler has finished the events of these runs.
    pub finished: Vec<QueuedRun>,
    /// The handler has failed on the events of these runs.
    pub failed: Vec<QueuedRun>,
    /// The client does not hold this many of the deliveries any more.
    pub not_held: u64,
}
