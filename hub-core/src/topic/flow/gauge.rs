//! Holds the numbers by which publishers and queue groups know how full a subscription is.
//!
//! Without them, each publisher would take the lock of each delivery queue only to find room there.

use crate::sync::{AtomicBool, AtomicUsize, Mutex, Ordering};
use crate::topic::room::RoomFor;
use hub_wire::{Overflow, TopicName};

/// States how full a subscription is. Publishers read these numbers without a lock.
#[derive(Debug, Default)]
pub struct FlowGauge {
    /// This many bytes wait in the hub because the window is used up.
    pub(super) parked: AtomicUsize,
    /// This many events were sent and are not finished.
    pub(super) on_the_way: AtomicUsize,
    /// If this is true, the grace of the subscriber is over, and its backlog has not drained since.
    pub(super) lagging: AtomicBool,
    /// The window has room for this many more events.
    pub(super) open: AtomicUsize,
    /// Events of these topics wait in the queue group of the subscription.
    asked: Mutex<Vec<TopicName>>,
    /// If this is true, the client of the subscription is away.
    pub(super) away: AtomicBool,
}

impl FlowGauge {
    /// Returns how many more events the window has room for now.
    #[must_use]
    pub fn open_events(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Has the session of the subscription ask for the waiting events of a topic when there is room.
    pub(in crate::topic) fn ask(&self, topic: &TopicName) {
        self.asked.lock().push(topic.clone());
    }

    /// Returns the topics that have events for the subscription in its queue group. The caller lets
    /// each of them refill the subscription.
    #[must_use]
    pub fn take_asked(&self) -> Vec<TopicName> {
        std::mem::take(&mut *self.asked.lock())
    }

    /// Returns whether the client of the subscription is away, and may come back to resume it.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }

    /// Returns for how many bytes the events count that wait in the hub for this subscription.
    #[must_use]
    pub fn parked_bytes(&self) -> usize {
        self.parked.load(Ordering::Relaxed)
    }

    /// Returns how many events were sent that the listener has not finished.
    #[must_use]
    pub fn on_the_way(&self) -> usize {
        self.on_the_way.load(Ordering::Relaxed)
    }

    /// Returns whether a publisher has to wait for this subscription first.
    /// `limit` is the bound of its backlog.
    pub(in crate::topic) fn must_wait(
        &self,
        room: RoomFor,
        limit: usize,
        overflow: Overflow,
    ) -> bool {
        let is_lagging = self.lagging.load(Ordering::Relaxed);
        room.has_to_wait(self.parked_bytes(), limit, overflow, is_lagging)
    }

    /// Ends the grace of the subscriber, if it has a backlog. A publisher with a large run waits for
    /// a small backlog too, and would wait for ever if its grace did not end.
    pub(in crate::topic) fn end_grace(&self) {
        if self.parked_bytes() > 0 {
            self.lagging.store(true, Ordering::Relaxed);
        }
    }
}

/// Returns from how many bytes on publishers wait for a backlog with the bound `limit`.
pub(in crate::topic) fn high_water(limit: usize) -> usize {
    limit / 4
}
