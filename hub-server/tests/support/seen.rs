//! Checks for each topic that no event is missing without a gap, comes twice, or comes out of order.

use super::Got;
use hub_wire::{Gap, GapReason};
use std::collections::HashMap;

/// Counts what the plain subscriptions of one connection got.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Holds the event number that must come next, for each topic and epoch.
    next: HashMap<(String, u64), u64>,
    pub(crate) events: u64,
    /// Counts the events that gaps announced as missing.
    pub(crate) missing: u64,
    pub(crate) gaps: Vec<Gap>,
}

impl Seen {
    /// Counts an event or a gap, and fails the test if its number is not the next number of its topic.
    /// A topic that is new to this value begins with 1. The end of the connection fails the test too.
    pub(crate) fn take(&mut self, got: &Got) {
        match got {
            Got::Event(event) => {
                let next = self.next.entry((event.topic.clone(), event.epoch)).or_insert(1);
                assert_eq!(event.number, *next, "{} has this event next", event.topic);
                *next += 1;
                self.events += 1;
            }
            Got::Gap(gap) => {
                let next = self.next.entry((gap.topic.clone(), gap.epoch)).or_insert(1);
                assert_eq!(gap.from, *next, "the place of {gap:?}");
                let to = gap.to.unwrap_or_else(|| panic!("{gap:?} has no end"));
                assert!(to >= gap.from, "{gap:?}");
                *next = to + 1;
                self.missing += to - gap.from + 1;
                self.gaps.push(gap.clone());
            }
            Got::Close(_) | Got::End | Got::Reset => panic!("{got:?}"),
            _ => {}
        }
    }

    /// Sets the event number that must come next on a topic.
    pub(crate) fn starts_at(&mut self, topic: &str, epoch: u64, next: u64) {
        self.next.insert((topic.to_owned(), epoch), next);
    }

    /// Returns how many events came or were announced as missing.
    pub(crate) fn total(&self) -> u64 {
        self.events + self.missing
    }

    pub(crate) fn missing_because(&self, reason: GapReason) -> u64 {
        let of_it = self.gaps.iter().filter(|gap| gap.reason == reason);
        of_it.map(|gap| gap.to.unwrap_or(gap.from) - gap.from + 1).sum()
    }
}
