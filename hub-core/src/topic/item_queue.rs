//! A queue of items that joins neighbouring gaps as they come.
//!
//! Without it, a slow subscriber's gaps would take as much memory as the events that it missed.

use super::delivery_stream::Track;
use super::pending_gap::Span;
use super::queue_item::Item;
use super::queued_run::QueuedRun;
use std::collections::{HashMap, VecDeque};

/// Items in order. Of each track it knows the gap that is its last item, if one is.
///
/// Items leave at the front only, so a place is counted from the first item there ever was.
#[derive(Debug, Default)]
pub(super) struct Row {
    items: VecDeque<Item>,
    /// How many have left at the front.
    left: usize,
    /// The place of the gap that is a track's last item. It may have left since.
    last: HashMap<Track, usize>,
}

impl Row {
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Item> {
        self.items.iter()
    }

    pub(super) fn into_items(self) -> VecDeque<Item> {
        self.items
    }

    /// Appends an item. A gap behind it will not be joined with one in front of it.
    pub(super) fn push(&mut self, item: Item) {
        if !self.last.is_empty()
            && let Some(track) = item.track()
        {
            self.last.remove(&track);
        }
        reserve_first(&mut self.items);
        self.items.push_back(item);
    }

    /// Appends a gap, or extends the one that is the last of its track; returns the bytes that
    /// the row has grown by.
    pub(super) fn push_gap(&mut self, span: Span) -> usize {
        let track = span.track();
        let last = self.last.get(&track).and_then(|place| place.checked_sub(self.left));
        if let Some(Item::Gap(gap)) = last.and_then(|at| self.items.get_mut(at))
            && gap.extend(&span)
        {
            return 0;
        }
        let size = span.size();
        self.last.insert(track, self.left + self.items.len());
        self.items.push_back(Item::Gap(span));
        size
    }

    pub(super) fn pop(&mut self) -> Option<Item> {
        let item = self.items.pop_front()?;
        self.left += 1;
        if self.items.is_empty() {
            self.last.clear();
        }
        Some(item)
    }

    /// Takes out the runs for which `mine` holds, in order.
    pub(super) fn take_runs(&mut self, mine: impl Fn(&QueuedRun) -> bool) -> Vec<QueuedRun> {
        let mut taken = Vec::new();
        let is_mine = |item: &Item| matches!(item, Item::Run(run) if mine(run));
        if !self.items.iter().any(is_mine) {
            return taken;
        }
        for item in std::mem::take(self).items {
            match item {
                Item::Run(run) if mine(&run) => taken.push(run),
                other => self.items.push_back(other),
            }
        }
        taken
    }
}

/// Room for one item, where there was none: most connections of most hubs are idle, and never have
/// more than an answer waiting.
pub(super) fn reserve_first(items: &mut VecDeque<Item>) {
    if items.capacity() == 0 {
        items.reserve_exact(1);
    }
}
