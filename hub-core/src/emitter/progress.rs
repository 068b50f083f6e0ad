//! Counts the events that a subscriber has finished, in whatever order it finishes them. Without these
//! counts, the hub could not know which events were handled.

use std::collections::BTreeSet;

/// Tells which events of a subscription its subscriber has finished. Several may be in work at a
/// time, and may be finished in any order.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// This many events were handed out.
    pub(super) begun: u64,
    /// All events before this index are finished.
    taken: u64,
    /// These events are finished, and one before them is not.
    ahead: BTreeSet<u64>,
}

impl Progress {
    /// Returns the index of the next event that is handed out.
    pub(super) fn begin(&mut self) -> u64 {
        self.begun += 1;
        self.begun - 1
    }

    /// Returns how many events are finished, in whatever order.
    pub(super) fn finished(&self) -> u64 {
        self.taken + self.ahead.len() as u64
    }

    /// Notes that an event is finished. Returns how many events from the first on are finished, if
    /// that number has grown.
    pub(super) fn finish(&mut self, event: u64) -> Option<u64> {
        if event != self.taken {
            self.ahead.insert(event);
            return None;
        }
        self.taken += 1;
        while self.ahead.remove(&self.taken) {
            self.taken += 1;
        }
        Some(self.taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taken_counts_the_events_before_the_first_that_is_in_work() {
        let mut progress = Progress::default();
        let events: Vec<u64> = (0..5).map(|_| progress.begin()).collect();
        assert_eq!(progress.finish(events[1]), None);
        assert_eq!(progress.finish(events[3]), None);
        assert_eq!(progress.finish(events[0]), Some(2));
        assert_eq!(progress.finish(events[2]), Some(4));
        assert_eq!(progress.finish(events[4]), Some(5));
    }
}
