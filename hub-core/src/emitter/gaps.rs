use hub_wire::{Gap, GapReason};
use std::collections::{BTreeMap, VecDeque};

/// Gaps that stand at one place of a queue, at most a few a topic however many events they
/// stand for.
///
/// Between gaps of different topics there is no order to keep, so gaps of one topic merge even
/// when events of others were dropped in between.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    by_topic: BTreeMap<String, VecDeque<Gap>>,
    len: usize,
}

impl Gaps {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds a gap behind those of its topic.
    ///
    /// `exact`: whether the subscription gets every event of its topics. One that shares them
    /// in a queue group does not, so its gaps reach over numbers that went to others.
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

    /// Takes out the topic's gaps, in order.
    pub(super) fn take(&mut self, topic: &str) -> VecDeque<Gap> {
        let taken = self.by_topic.remove(topic).unwrap_or_default();
        self.len -= taken.len();
        taken
    }

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

/// Takes `next` into `last`, if together they are one gap.
///
/// What was dropped for lack of room and what a newer event replaced become one gap too, which
/// says the worse of the two: with `latest` they alternate without end.
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
