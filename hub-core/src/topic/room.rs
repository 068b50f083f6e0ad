//! States when a publisher has to wait for room in a queue. Without this module, a client that keeps its own
//! queue full would make everybody wait whose topics it reads.

/// States for how much room a publisher asks, and whether it is among those that fill a queue.
///
/// A publisher waits for room from a quarter of a queue's bound on. One that has published less than that
/// lately waits only from half of the bound on: it is not the one whose events have filled the queue to the
/// quarter, so its wait would not help. Otherwise a client could subscribe to the topics
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

    /// Returns from how many bytes on the publisher waits for a queue with the bound `limit`.
    pub(super) fn high_water(self, limit: usize) -> usize {
        if self.lately < limit / 4 { limit / 2 } else { limit / 4 }
    }
}
