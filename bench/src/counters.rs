//! Holds the counters of a running load, which all of its threads share.
//!
//! With these counters, publishers know how far they are ahead of their slowest subscriber. Without
//! that knowledge, a server would have to drop or keep messages, and servers would not get equal work.

use crate::clock::now_ns;
use crate::intake::Tally;
use crate::load_plan::{Group, LoadResult};
use crate::receive::histogram;
use crate::usage::Usage;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Holds the counters of all groups.
pub(crate) struct Counters {
    pub groups: Vec<GroupCounters>,
    /// A subscriber last read something at this time, in nanoseconds.
    pub last: AtomicU64,
    begun: OnceLock<(u64, Option<Usage>)>,
}

/// Holds the counters of one group.
pub(crate) struct GroupCounters {
    /// Counts the messages that all publishers of the group sent.
    pub sent: AtomicU64,
    pub subscribers: Vec<Tally>,
    /// Counts the server's answers to each publisher.
    pub publishers: Vec<Tally>,
}

impl GroupCounters {
    /// Returns how many of the sent messages the slowest subscriber has neither received nor seen
    /// announced as missing. Without subscribers, returns 0.
    pub(crate) fn ahead(&self) -> u64 {
        let slowest = self.subscribers.iter().map(Tally::settled).min();
        slowest.map_or(0, |slowest| self.sent.load(Relaxed).saturating_sub(slowest))
    }

    fn due(&self) -> u64 {
        self.sent.load(Relaxed) * self.subscribers.len() as u64
    }
}

impl Counters {
    pub(crate) fn new(groups: &[Group]) -> Counters {
        let tallies = |count: usize| (0..count).map(|_| Tally::default()).collect();
        let group = |group: &Group| GroupCounters {
            sent: AtomicU64::new(0),
            subscribers: tallies(group.subscribers),
            publishers: tallies(group.publishers),
        };
        Counters {
            groups: groups.iter().map(group).collect(),
            last: AtomicU64::new(0),
            begun: OnceLock::new(),
        }
    }

    /// Starts the time of the load. `usage` is the usage of the server before the load.
    pub(crate) fn begin(&self, usage: Option<Usage>) {
        let _ = self.begun.set((now_ns(), usage));
    }

    /// Returns the result so far, without latencies. `after` is the usage of the server by now.
    pub(crate) fn so_far(&self, after: Option<Usage>) -> LoadResult {
        let subscribers = |of: fn(&Tally) -> &AtomicU64| -> u64 {
            let all = self.groups.iter().flat_map(|group| &group.subscribers);
            all.map(|tally| of(tally).load(Relaxed)).sum()
        };
        let publishers = self.groups.iter().flat_map(|group| &group.publishers);
        let due = self.groups.iter().map(GroupCounters::due).sum();
        let (start, before) = self.begun.get().copied().unwrap_or((now_ns(), None));
        let end = if due == 0 { now_ns() } else { self.last.load(Relaxed) };
        LoadResult {
            sent: self.groups.iter().map(|group| group.sent.load(Relaxed)).sum(),
            due,
            delivered: subscribers(|tally| &tally.messages),
            announced_missing: subscribers(|tally| &tally.missing),
            acknowledged: publishers.map(|tally| tally.acknowledged.load(Relaxed)).sum(),
            received_bytes: subscribers(|tally| &tally.bytes),
            elapsed: Duration::from_nanos(end.saturating_sub(start)),
            usage: before.zip(after).map(|(before, after)| after.since(before)),
            latency: histogram(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publisher_does_not_wait_for_what_was_announced_as_missing() {
        let topics = vec!["a".to_owned()];
        let counters = Counters::new(&[Group { topics, publishers: 1, subscribers: 2 }]);
        let group = &counters.groups[0];
        group.sent.store(100, Relaxed);
        group.subscribers[0].messages.store(90, Relaxed);
        group.subscribers[1].messages.store(30, Relaxed);
        assert_eq!((group.ahead(), group.due()), (70, 200));
        group.subscribers[1].missing.store(50, Relaxed);
        assert_eq!(group.ahead(), 20);
        let outcome = counters.so_far(None);
        assert_eq!((outcome.delivered, outcome.announced_missing, outcome.lost()), (120, 50, 80));
    }
}
