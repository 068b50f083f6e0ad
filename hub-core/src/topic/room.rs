//! States when a publisher has to wait for room in a queue. Without this module, a client that keeps its own
//! queue full would make everybody wait whose topics it reads.

use super::account::LEAST_QUEUE;
use crate::overflow::policy;
use hub_wire::Overflow;

/// A publisher of fewer bytes than this waits for nobody's grace: it is a quarter of the shortest queue, so
/// the publisher alone does not fill any queue up to the mark from which publishers wait.
const LITTLE: usize = LEAST_QUEUE / 4;

/// States for how much room a publisher asks, and whether it is among those that fill a queue.
///
/// A publisher waits for room from a quarter of a queue's bound on. One that has published less than that
/// lately waits only from half of the bound on: it is not the one whose events have filled the queue to the
/// quarter, so its wait would not help. One that has published very little waits only for subscribers with
/// the policy `block`: what it adds is next to nothing. Otherwise a client could subscribe to the topics
/// of others, keep its queue full with its own events, and make all of them wait again and again.
#[derive(Debug, Clone, Copy)]
pub struct RoomFor {
    /// The run takes this many bytes.
    pub size: usize,
    /// The publisher has published this many bytes lately, with the run.
    pub(super) lately: usize,
}

impl RoomFor {
    /// Returns what a publisher asks for whose events may have filled the queue.
    #[must_use]
    pub fn size(size: usize) -> Self {
        RoomFor { size, lately: usize::MAX }
    }

    /// Returns whether the publisher waits while `queued` bytes wait in a queue with the bound `limit` and this
    /// policy. `is_lagging` states whether the grace of the subscriber is over.
    pub(super) fn has_to_wait(
        self,
        queued: usize,
        limit: usize,
        overflow: Overflow,
        is_lagging: bool,
    ) -> bool {
        let waits_for_grace = !is_lagging && self.lately >= LITTLE;
        queued > 0
            && queued + self.size > self.high_water(limit)
            && (waits_for_grace || policy(overflow).blocks())
    }

    /// Returns from how many bytes on the publisher waits for a queue with the bound `limit`.
    fn high_water(self, limit: usize) -> usize {
        if self.lately < limit / 4 { limit / 2 } else { limit / 4 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_publishes_little_waits_for_the_policy_block_alone() {
        let waits = |lately, overflow| {
            let room = RoomFor { size: 100, lately };
            room.has_to_wait(4 * LEAST_QUEUE, 4 * LEAST_QUEUE, overflow, false)
        };
        assert!(!waits(LITTLE - 1, Overflow::DropOldest));
        assert!(waits(LITTLE, Overflow::DropOldest));
        assert!(waits(100, Overflow::Block));
    }
}
