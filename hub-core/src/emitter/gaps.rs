//! Merges the gaps at one position of a listener's queue by topic.
//!
//! Without this module, a listener that stands still would hold one gap for each event that it
//! misses.

use hub_wire::{Gap, GapReason};
use std::collections::{BTreeMap, VecDeque};

/// Holds the gaps at one position of a queue. Gaps are merged, so there are at most a few for each
/// topic, however many events they stand for.
///
/// Gaps of different topics have no order among one another. So gaps of one topic merge even if
/// events of other topics were dropped in between.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    by_topic: BTreeMap<String, VecDeque<Gap>>,
    len: usize,
}

impl Gaps {
    /// Returns how many gaps there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds a gap behind the other gaps of its topic.
    ///
    /// `exact` states whether the subscription gets every event of its topics. A member of a queue
    /// group does not get every event, so its gaps reach over numbers that went to other members.
    pub(super) fn add(&mut self, gap: Gap, exact: bool) {
        match self.by_topic.get_mut(&gap.topic) {
            Some(known) => {
                if known.back_mut().is_some_and(|last| merge(last, &gap, exact)) {
                    return;
                }
                known.push_back(gap);
            }
            None => drop(self.by_topic.insert(gap.topic.clone(), [gap].into())),
        }
        self.len += 1;
    }

    /// Takes out the gaps of a topic, in order.
    pub(super) fn take(&mut self, topic: &str) -> VecDeque<Gap> {
        let taken = self.by_topic.remove(topic).unwrap_or_default();
        self.len -= taken.len();
        taken
    }

    /// Takes out the next gap, of any topic.
    pub(super) fn pop(&mut self) -> Option<Gap> {
        let mut first = self.by_topic.first_entry()?;
        let gap = first.get_mut().pop_front();
        if first.get().is_empty() {
            first.remove();
        }
        self.len -= usize::from(gap.is_some());
        gap
    }
}

/// Merges `next` into `last` if one gap can stand for both. Returns whether it did.
///
/// A gap with the reason `Overflow` merges with a gap with the reason `Conflated`, because under
/// the policy `latest` the two alternate without end. The merged gap gives the reason `Overflow`,
/// which is the worse of the two.
fn merge(last: &mut Gap, next: &Gap, exact: bool) -> bool {
    let dropped = |gap: &Gap| matches!(gap.reason, GapReason::Overflow | GapReason::Conflated);
    let follows = last.to.is_some_and(|to| to + 1 == next.from || !exact && to < next.from);
    let mergeable = last.epoch == next.epoch
        && follows
        && (last.reason == next.reason || dropped(last) && dropped(next));
    if mergeable {
        last.to = next.to;
        if last.reason != next.reason {
            last.reason = GapReason::Overflow;
        }
    }
    mergeable
}
