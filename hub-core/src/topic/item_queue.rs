//! Queues the entries of a connection. A gap that is appended is joined with the gap in front of
//! it, if the two continue one another.
//!
//! Without joining, the gaps of a slow subscriber would take as much memory as the events that it
//! missed.

use super::delivery_stream::OrderingKey;
use super::pending_gap::PendingGap;
use super::queue_item::QueueItem;
use super::queued_run::QueuedRun;
use std::collections::{HashMap, VecDeque};

/// Holds entries of a delivery queue, in order.
///
/// For each ordering key, the queue knows its last entry if that entry is a gap. Entries leave the
/// queue at the front only, so an entry is found by its sequence number: the number of entries that
/// were ever appended before it.
/// ever appended before it.
#[derive(Debug, Default)]
pub(super) struct ItemQueue {
    items: VecDeque<QueueItem>,
    /// This many entries have left the queue at its front.
    left: usize,
    /// For each ordering key whose last entry is a gap, this map has the sequence number of that
    /// gap. The gap may have left the queue since.
    last: HashMap<OrderingKey, usize>,
}

impl ItemQueue {
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &QueueItem> {
        self.items.iter()
    }

    pub(super) fn into_items(self) -> VecDeque<QueueItem> {
        self.items
    }

    /// Appends an entry. A gap behind it will not be joined with a gap in front of it.
    pub(super) fn push(&mut self, item: QueueItem) {
        if !self.last.is_empty()
            && let Some(key) = item.ordering_key()
        {
            self.last.remove(&key);
        }
        reserve_first(&mut self.items);
        self.items.push_back(item);
    }

    /// Appends a gap, or extends the last entry of its ordering key if that is a gap that it continues.
    /// Returns by how many bytes the queue has grown.
    pub(super) fn push_gap(&mut self, gap: PendingGap) -> usize {
        let key = gap.ordering_key();
        let last = self.last.get(&key).and_then(|place| place.checked_sub(self.left));
        if let Some(QueueItem::Gap(before)) = last.and_then(|at| self.items.get_mut(at))
            && before.extend(&gap)
        {
            return 0;
        }
        let size = gap.size();
        self.last.insert(key, self.left + self.items.len());
        self.items.push_back(QueueItem::Gap(gap));
        size
    }

    /// Removes and returns the first entry.
    pub(super) fn pop(&mut self) -> Option<QueueItem> {
        let item = self.items.pop_front()?;
        self.left += 1;
        if self.items.is_empty() {
            self.last.clear();
        }
        Some(item)
    }

    /// Removes the runs for which `mine` returns true, and returns them in order.
    pub(super) fn take_runs(&mut self, mine: impl Fn(&QueuedRun) -> bool) -> Vec<QueuedRun> {
        let mut taken = Vec::new();
        let is_mine = |item: &QueueItem| matches!(item, QueueItem::Run(run) if mine(run));
        if !self.items.iter().any(is_mine) {
            return taken;
        }
        for item in std::mem::take(self).items {
            match item {
                QueueItem::Run(run) if mine(&run) => taken.push(run),
                other => self.items.push_back(other),
            }
        }
        taken
    }
}

/// Reserves room for a single entry if the queue has no room. Most connections of most hubs are
/// idle, and never have more than one answer waiting.
pub(super) fn reserve_first(items: &mut VecDeque<QueueItem>) {
    if items.capacity() == 0 {
        items.reserve_exact(1);
    }
}
