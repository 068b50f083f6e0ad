//! Holds the entries of a delivery queue that wait behind the write buffer. In this backlog, the
//! overflow policies drop events.
//!
//! Without the backlog, a queue could only accept or refuse events, and every policy would behave
//! like `block` or `disconnect`.

use super::conflate::conflate;
use super::item_queue::ItemQueue;
use super::ledger::{Ledger, count};
use super::pending_gap::PendingGap;
use super::queue_item::QueueItem;
use super::queued_run::QueuedRun;
use super::turn::turn_is_over;
use crate::overflow::{AtBound, policy};
use hub_wire::GapReason;
use std::collections::VecDeque;

/// Holds entries in the order in which they are sent.
///
/// A policy that looks for events to drop visits each entry once: the entries that it passes are
/// settled, and no policy visits them again. So the cost of dropping does not grow with the length
/// of the queue.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    /// These entries were taken out and put back. They come before all others.
    returned: VecDeque<QueueItem>,
    /// These entries come first, and no policy drops them any more. Neighbouring gaps with one ordering
    /// key are joined, so a connection that stops reading for a day holds at most one gap for each
    /// key, and not one for each run that it missed.
    settled: ItemQueue,
    /// These entries come after the settled ones. Policies may still drop them.
    open: ItemQueue,
    /// All entries together count for this many bytes towards the bound of the queue.
    bytes: usize,
    /// This many of the entries are runs.
    runs: usize,
    /// Runs with the policy `latest` that came after the last conflation have this many bytes.
    fresh: usize,
    /// If this is true, the last frame is queued and no further entry is accepted.
    pub ended: bool,
}

/// States the bound of a delivery queue, and how much of it the write buffer uses.
#[derive(Debug, Clone, Copy)]
pub(super) struct QueueBound {
    /// This many bytes may wait in the queue.
    pub limit: usize,
    /// The entries in the write buffer use this many bytes of the limit.
    pub writing: usize,
}

/// States what became of a run that was to be appended.
#[derive(Debug)]
pub(super) enum PushResult {
    /// The backlog has the run, or a gap in its place.
    Done,
    /// There is no room, and the policy of the run is `disconnect`. The run comes back to the
    /// caller.
    Overflowed(QueuedRun),
}

impl Backlog {
    /// Returns for how many bytes the entries count towards the bound of the queue.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.returned.is_empty() && self.settled.is_empty() && self.open.is_empty()
    }

    /// Returns how many entries wait.
    pub(super) fn len(&self) -> usize {
        self.returned.len() + self.settled.len() + self.open.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &QueueItem> {
        self.returned.iter().chain(self.settled.iter()).chain(self.open.iter())
    }

    /// Appends a run. If the run does not fit, its overflow policy decides what is dropped.
    pub(super) fn push(
        &mut self,
        run: QueuedRun,
        bound: QueueBound,
        ledger: &Ledger,
    ) -> PushResult {
        let size = run.size();
        let mut bound = bound;
        if self.is_full(size, bound) && policy(run.overflow).conflates() && turn_is_over() {
            // A run may come to hundreds of queues that all have to conflate, and other clients wait for
            // the thread by now. So the queue exceeds its bound by a little until the next run.
            bound.limit += bound.limit / 8;
        }
        if self.is_full(size, bound) {
            match policy(run.overflow).at_bound {
                AtBound::Hold => {}
                AtBound::End => return PushResult::Overflowed(run),
                AtBound::DropNewest => return self.drop_newest(&run, ledger),
                AtBound::DropOldest => self.drop_until_it_fits(size, bound, ledger),
                AtBound::Conflate => {
                    // Conflation visits all open entries. It is rare, because it waits for an eighth
                    // of the bound in new runs, and makes room for a quarter of the bound.
                    if self.fresh >= bound.limit / 8 {
                        self.conflate(ledger);
                        let limit = bound.limit / 4 * 3;
                        self.drop_until_it_fits(size, QueueBound { limit, ..bound }, ledger);
                    }
                    self.drop_until_it_fits(size, bound, ledger);
                }
            }
            if policy(run.overflow).drops() && self.is_full(size, bound) {
                return self.drop_newest(&run, ledger);
            }
        }
        if policy(run.overflow).conflates() {
            self.fresh += size;
        }
        self.push_item(QueueItem::Run(run));
        PushResult::Done
    }

    /// Returns whether a run of `size` bytes does not fit. A run of any size fits if no other run waits
    /// in the backlog. Otherwise some policies would drop every event.
    fn is_full(&self, size: usize, bound: QueueBound) -> bool {
        self.runs > 0 && bound.writing + self.bytes + size > bound.limit
    }

    /// Appends an entry, even if that exceeds the bound.
    pub(super) fn push_item(&mut self, item: QueueItem) {
        self.bytes += item.size();
        self.runs += usize::from(matches!(item, QueueItem::Run(_)));
        self.open.push(item);
    }

    /// Removes and returns the first entry.
    pub(super) fn pop(&mut self) -> Option<QueueItem> {
        let item = (self.returned.pop_front())
            .or_else(|| self.settled.pop())
            .or_else(|| self.open.pop())?;
        self.bytes -= item.size();
        self.runs -= usize::from(matches!(item, QueueItem::Run(_)));
        Some(item)
    }

    /// Drops this run, which is not in the backlog yet, and puts a gap in its place.
    fn drop_newest(&mut self, run: &QueuedRun, ledger: &Ledger) -> PushResult {
        count_overflow(run, ledger);
        self.bytes += self.open.push_gap(PendingGap::of(run, GapReason::Overflow));
        PushResult::Done
    }

    /// Drops the oldest runs that may be dropped, until a run of `size` bytes fits.
    fn drop_until_it_fits(&mut self, size: usize, bound: QueueBound, ledger: &Ledger) {
        while self.is_full(size, bound) && self.drop_oldest(ledger) {}
    }

    /// Puts runs in front of all entries: the rest of a run of which a part is sent, or runs that
    /// come back.
    pub(super) fn unpop(&mut self, runs: Vec<QueuedRun>) {
        self.unpop_items(runs.into_iter().map(QueueItem::Run).collect());
    }

    /// Puts entries in front of all entries, in this order.
    pub(super) fn unpop_items(&mut self, items: VecDeque<QueueItem>) {
        for item in items.into_iter().rev() {
            self.bytes += item.size();
            self.runs += usize::from(matches!(item, QueueItem::Run(_)));
            self.returned.push_front(item);
        }
    }

    /// Puts a gap in front of all entries, because nobody could be told of it yet.
    pub(super) fn unpop_gap(&mut self, gap: PendingGap) {
        self.bytes += gap.size();
        self.returned.push_front(QueueItem::Gap(gap));
    }

    /// Returns whether a run has a policy that ends the connection rather than lose events.
    pub(super) fn has_ending_run(&self) -> bool {
        self.iter().filter_map(QueueItem::run).any(|run| policy(run.overflow).ends())
    }

    /// Drops runs that may be dropped, the oldest first, until at most `most` bytes are left.
    pub(super) fn shed(&mut self, most: usize, ledger: &Ledger) {
        while self.bytes > most && self.drop_oldest(ledger) {}
    }

    /// Drops the oldest run that may be dropped. Returns false if there is none.
    fn drop_oldest(&mut self, ledger: &Ledger) -> bool {
        while let Some(item) = self.open.pop() {
            match item {
                QueueItem::Run(run) if policy(run.overflow).drops_waiting => {
                    self.bytes -= run.size();
                    self.runs -= 1;
                    count_overflow(&run, ledger);
                    self.bytes += self.settled.push_gap(PendingGap::of(&run, GapReason::Overflow));
                    return true;
                }
                QueueItem::Gap(gap) => {
                    self.bytes -= gap.size();
                    self.bytes += self.settled.push_gap(gap);
                }
                kept => self.settled.push(kept),
            }
        }
        false
    }

    /// Drops each event with the policy `latest` for which a newer event with the same key waits.
    fn conflate(&mut self, ledger: &Ledger) {
        let open = std::mem::take(&mut self.open);
        let before: usize = open.iter().map(QueueItem::size).sum();
        let (open, dropped) = conflate(open.into_items());
        count(&ledger.conflated, dropped);
        self.open = open;
        self.bytes -= before;
        self.bytes += self.open.iter().map(QueueItem::size).sum::<usize>();
        self.runs = self.iter().filter(|item| matches!(item, QueueItem::Run(_))).count();
        self.fresh = 0;
    }

    /// Removes the runs for which `mine` returns true, and returns them in order.
    pub(super) fn take_runs(&mut self, mine: impl Fn(&QueuedRun) -> bool) -> Vec<QueuedRun> {
        let mut taken = Vec::new();
        for item in std::mem::take(&mut self.returned) {
            match item {
                QueueItem::Run(run) if mine(&run) => taken.push(run),
                other => self.returned.push_back(other),
            }
        }
        taken.extend(self.settled.take_runs(&mine));
        taken.extend(self.open.take_runs(mine));
        self.bytes -= taken.iter().map(QueuedRun::size).sum::<usize>();
        self.runs -= taken.len();
        taken
    }

    /// Drops the first entry for plain subscriptions and everything behind it, and returns the dropped
    /// entries. An answer behind a dropped entry would claim that the entry was sent.
    ///
    /// RECEIPT and REFUSED frames stay. They are about the events that the client itself has sent, and
    /// it may have no other chance to learn what became of them.
    ///
    /// The runs for queue groups stay, because other members can take them.
    pub(super) fn discard(&mut self) -> Vec<QueueItem> {
        let returned = std::mem::take(&mut self.returned);
        let (settled, open) = (std::mem::take(&mut self.settled), std::mem::take(&mut self.open));
        (self.bytes, self.runs, self.fresh) = (0, 0, 0);
        let mut dropped = Vec::new();
        let items = settled.into_items().into_iter().chain(open.into_items());
        for item in returned.into_iter().chain(items) {
            let stays = match item.ordering_key() {
                Some(key) => key.is_share(),
                None => dropped.is_empty() || item.is_about_published_events(),
            };
            if stays {
                self.push_item(item);
            } else {
                dropped.push(item);
            }
        }
        dropped
    }
}

/// Counts the events of a dropped run, for the hub and for the topic.
fn count_overflow(run: &QueuedRun, hub: &Ledger) {
    count(&hub.overflow, run.deliveries());
    count(&run.ledger.overflow, run.deliveries());
}
