//! What waits in a delivery queue and may still be dropped: the overflow policies.

use super::conflate::conflate;
use super::item::{Item, QueuedRun};
use super::ledger::{Ledger, count};
use super::row::Row;
use super::span::Span;
use hub_wire::{GapReason, Overflow};

/// Items in the order in which they are to be sent.
///
/// Dropping looks at each item once: what it goes over is settled, and not looked at again. So
/// what it costs does not grow with what a connection has waiting.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    /// Comes first: what no policy drops any more. Neighbouring gaps of a track are one, so a
    /// connection that stops reading for a day holds as many as it has tracks, not as many as it
    /// missed runs.
    settled: Row,
    /// What came after that.
    open: Row,
    bytes: usize,
    runs: usize,
    /// Bytes under the policy `latest` that came after the last conflation.
    fresh: usize,
    /// Nothing more is let in.
    pub sealed: bool,
}

/// The room that a backlog has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound {
    /// Bytes that may wait in the queue.
    pub limit: usize,
    /// Those that are being sent.
    pub sending: usize,
}

/// What became of a run.
#[derive(Debug)]
pub(super) enum Push {
    /// It is in, or a gap is in its place.
    Done,
    /// There is no room, and its policy is `disconnect`.
    Overflowed(QueuedRun),
}

impl Backlog {
    /// What the items count for in the bound.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.settled.is_empty() && self.open.is_empty()
    }

    /// How many items there are.
    pub(super) fn len(&self) -> usize {
        self.settled.len() + self.open.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Item> {
        self.settled.iter().chain(self.open.iter())
    }

    /// Appends a run, or does what its policy says if that would take too many bytes.
    pub(super) fn push(&mut self, run: QueuedRun, bound: Bound, ledger: &Ledger) -> Push {
        let size = run.size();
        if self.is_full(size, bound) {
            match run.overflow {
                // Publishers look for room before they number a run; what comes all the same
                // are the few that looked at the same time.
                Overflow::Block => {}
                Overflow::Disconnect => return Push::Overflowed(run),
                Overflow::DropNewest => return self.drop_newest(&run, ledger),
                Overflow::DropOldest => self.drop_until_it_fits(size, bound, ledger),
                Overflow::Latest => {
                    // Conflating looks at everything that waits. With this much that is new, and
                    // this much room made, it does so rarely.
                    if self.fresh >= bound.limit / 8 {
                        self.conflate(ledger);
                        let limit = bound.limit / 4 * 3;
                        self.drop_until_it_fits(size, Bound { limit, ..bound }, ledger);
                    }
                    self.drop_until_it_fits(size, bound, ledger);
                }
            }
            if run.overflow != Overflow::Block && self.is_full(size, bound) {
                return self.drop_newest(&run, ledger);
            }
        }
        if run.overflow == Overflow::Latest {
            self.fresh += size;
        }
        self.push_item(Item::Run(run));
        Push::Done
    }

    /// A run is let in whole when no other waits, however large it is and whatever is being sent:
    /// otherwise there would be policies that keep nothing.
    fn is_full(&self, size: usize, bound: Bound) -> bool {
        self.runs > 0 && bound.sending + self.bytes + size > bound.limit
    }

    /// Appends an item that is let in whatever the bound says.
    pub(super) fn push_item(&mut self, item: Item) {
        self.bytes += item.size();
        self.runs += usize::from(matches!(item, Item::Run(_)));
        self.open.push(item);
    }

    pub(super) fn pop(&mut self) -> Option<Item> {
        let item = self.settled.pop().or_else(|| self.open.pop())?;
        self.bytes -= item.size();
        self.runs -= usize::from(matches!(item, Item::Run(_)));
        Some(item)
    }

    fn drop_newest(&mut self, run: &QueuedRun, ledger: &Ledger) -> Push {
        count_overflow(run, ledger);
        self.bytes += self.open.push_gap(Span::of(run, GapReason::Overflow));
        Push::Done
    }

    fn drop_until_it_fits(&mut self, size: usize, bound: Bound, ledger: &Ledger) {
        while self.is_full(size, bound) && self.drop_oldest(ledger) {}
    }

    /// Drops what may be dropped, the oldest first, until at most `most` bytes are left.
    pub(super) fn shed(&mut self, most: usize, ledger: &Ledger) {
        while self.bytes > most && self.drop_oldest(ledger) {}
    }

    /// Drops the oldest run that may be dropped; false if there is none.
    fn drop_oldest(&mut self, ledger: &Ledger) -> bool {
        while let Some(item) = self.open.pop() {
            match item {
                Item::Run(run)
                    if matches!(run.overflow, Overflow::DropOldest | Overflow::Latest) =>
                {
                    self.bytes -= run.size();
                    self.runs -= 1;
                    count_overflow(&run, ledger);
                    self.bytes += self.settled.push_gap(Span::of(&run, GapReason::Overflow));
                    return true;
                }
                Item::Gap(span) => {
                    self.bytes -= span.size();
                    self.bytes += self.settled.push_gap(span);
                }
                kept => self.settled.push(kept),
            }
        }
        false
    }

    fn conflate(&mut self, ledger: &Ledger) {
        let open = std::mem::take(&mut self.open);
        let before: usize = open.iter().map(Item::size).sum();
        let (open, dropped) = conflate(open.into_items());
        count(&ledger.conflated, dropped);
        self.open = open;
        self.bytes -= before;
        self.bytes += self.open.iter().map(Item::size).sum::<usize>();
        self.runs = self.iter().filter(|item| matches!(item, Item::Run(_))).count();
        self.fresh = 0;
    }

    /// Takes out the runs for which `mine` holds, in order.
    pub(super) fn take_runs(&mut self, mine: impl Fn(&QueuedRun) -> bool) -> Vec<QueuedRun> {
        let mut taken = self.settled.take_runs(&mine);
        taken.extend(self.open.take_runs(mine));
        self.bytes -= taken.iter().map(QueuedRun::size).sum::<usize>();
        self.runs -= taken.len();
        taken
    }

    /// Drops the first item for plain subscriptions and everything behind it: an answer behind it
    /// would claim that it was sent. What waits for groups stays, as others can take it. Returns
    /// what was dropped.
    pub(super) fn discard(&mut self) -> Vec<Item> {
        let (settled, open) = (std::mem::take(&mut self.settled), std::mem::take(&mut self.open));
        (self.bytes, self.runs, self.fresh) = (0, 0, 0);
        let mut dropped = Vec::new();
        for item in settled.into_items().into_iter().chain(open.into_items()) {
            let stays = match item.track() {
                Some(track) => track.is_share(),
                None => dropped.is_empty(),
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

fn count_overflow(run: &QueuedRun, hub: &Ledger) {
    count(&hub.overflow, run.count.into());
    count(&run.ledger.overflow, run.count.into());
}
