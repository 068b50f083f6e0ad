//! What waits in a delivery queue and may still be dropped: the overflow policies.

use super::conflate::conflate;
use super::item::{Item, Lane, QueuedRun, Span, gap_size};
use super::ledger::{Ledger, count};
use crate::wire::{GapReason, Overflow};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::AtomicU64;

/// Items in the order in which they are to be sent.
///
/// Gaps at the two ends are kept apart, one a lane, so that a connection that stops reading
/// for a day holds as many gaps as it has lanes, not as many as it missed runs.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    /// What `drop-oldest` dropped: comes before all `items`.
    lead: HashMap<Lane, Span>,
    items: VecDeque<Item>,
    /// What `drop-newest` dropped, until something of the same lane follows it.
    tail: HashMap<Lane, Span>,
    bytes: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Push {
    Done,
    Disconnect,
}

impl Backlog {
    /// What the items count for in the bound.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty() && self.lead.is_empty() && self.tail.is_empty()
    }

    /// Appends a run, or does what its policy says if that would take more than `limit` bytes.
    pub(super) fn push(&mut self, run: QueuedRun, limit: usize, ledger: &Ledger) -> Push {
        let size = run.size();
        let full = |backlog: &Backlog| backlog.bytes + size > limit && !backlog.is_empty();
        if full(self) {
            match run.overflow {
                // Publishers look for room before they number a run; what comes all the same
                // are the few that looked at the same time.
                Overflow::Block => {}
                Overflow::Disconnect => {
                    count(&ledger.disconnected, run.count.into());
                    return Push::Disconnect;
                }
                Overflow::DropNewest => return self.drop_newest(&run, ledger),
                Overflow::DropOldest => while full(self) && self.drop_oldest(ledger) {},
                Overflow::Latest => {
                    self.conflate(ledger);
                    // Conflating looks at everything that waits. Making this much room keeps
                    // that rare when there are too many keys for the bound.
                    while self.bytes + size > limit / 4 * 3 && self.drop_oldest(ledger) {}
                }
            }
            if run.overflow != Overflow::Block && full(self) {
                return self.drop_newest(&run, ledger);
            }
        }
        if !self.tail.is_empty()
            && let Some(span) = self.tail.remove(&run.lane)
        {
            let gap = self.unlisted(run.lane.clone(), span);
            self.push_item(gap);
        }
        self.push_item(Item::Run(run));
        Push::Done
    }

    /// Appends an item that is let in whatever the bound says.
    pub(super) fn push_item(&mut self, item: Item) {
        self.bytes += item.size();
        self.items.push_back(item);
    }

    pub(super) fn pop(&mut self) -> Option<Item> {
        if let Some(lane) = self.lead.keys().next().cloned() {
            let span = self.lead.remove(&lane)?;
            return Some(self.unlisted(lane, span));
        }
        if let Some(item) = self.items.pop_front() {
            self.bytes -= item.size();
            return Some(item);
        }
        let lane = self.tail.keys().next().cloned()?;
        let span = self.tail.remove(&lane)?;
        Some(self.unlisted(lane, span))
    }

    fn unlisted(&mut self, lane: Lane, span: Span) -> Item {
        self.bytes -= gap_size(&lane);
        Item::Gap(lane, span)
    }

    fn drop_newest(&mut self, run: &QueuedRun, ledger: &Ledger) -> Push {
        count(&ledger.overflow, run.count.into());
        let span = Span::of(run, GapReason::Overflow);
        if let Some(open) = self.tail.get_mut(&run.lane) {
            if open.extend(&span, run.group.is_some()) {
                return Push::Done;
            }
            let closed = std::mem::replace(open, span);
            self.push_item(Item::Gap(run.lane.clone(), closed));
        } else {
            self.bytes += gap_size(&run.lane);
            self.tail.insert(run.lane.clone(), span);
        }
        Push::Done
    }

    /// Drops the oldest run that may be dropped; false if there is none.
    fn drop_oldest(&mut self, ledger: &Ledger) -> bool {
        let droppable = |item: &Item| {
            matches!(item, Item::Run(run)
                if matches!(run.overflow, Overflow::DropOldest | Overflow::Latest))
        };
        let Some(at) = self.items.iter().position(droppable) else { return false };
        let Some(Item::Run(run)) = self.items.remove(at) else { return false };
        self.bytes -= run.size();
        count(&ledger.overflow, run.count.into());
        let span = Span::of(&run, GapReason::Overflow);
        let group = run.group.is_some();
        let before =
            self.items.iter_mut().take(at).rev().find(|item| item.lane() == Some(&run.lane));
        // Nothing of its lane comes before it: then its gap may lead the queue.
        let leads = before.is_none();
        let earlier = match before {
            Some(Item::Gap(_, gap)) => Some(gap),
            Some(_) => None,
            None => self.lead.get_mut(&run.lane),
        };
        let new_lead = leads && earlier.is_none();
        if earlier.is_some_and(|gap| gap.extend(&span, group)) {
            return true;
        }
        self.bytes += gap_size(&run.lane);
        if new_lead {
            self.lead.insert(run.lane, span);
        } else {
            self.items.insert(at, Item::Gap(run.lane, span));
        }
        true
    }

    fn conflate(&mut self, ledger: &Ledger) {
        let before = std::mem::take(&mut self.items);
        let (after, events) = conflate(before);
        count(&ledger.conflated, events);
        self.bytes = after.iter().map(Item::size).sum::<usize>()
            + self.lead.keys().chain(self.tail.keys()).map(gap_size).sum::<usize>();
        self.items = after;
    }

    /// Takes out the runs for which `mine` holds, in order.
    pub(super) fn take_runs(&mut self, mine: impl Fn(&QueuedRun) -> bool) -> Vec<QueuedRun> {
        let mut taken = Vec::new();
        for item in std::mem::take(&mut self.items) {
            match item {
                Item::Run(run) if mine(&run) => {
                    self.bytes -= run.size();
                    taken.push(run);
                }
                other => self.items.push_back(other),
            }
        }
        taken
    }

    /// Drops all runs and gaps, adds their events to `counter`, and returns the bytes freed.
    pub(super) fn discard(&mut self, counter: &AtomicU64) -> usize {
        let before = self.bytes;
        let items = std::mem::take(&mut self.items);
        self.lead.clear();
        self.tail.clear();
        self.bytes = 0;
        for item in items {
            match item {
                Item::Run(run) => count(counter, run.count.into()),
                Item::Gap(..) => {}
                control @ Item::Control(_) => self.push_item(control),
            }
        }
        before - self.bytes
    }
}
