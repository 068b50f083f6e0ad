//! What a topic remembers of its events, for subscribers that come late or come back.

use super::item::{QueuedRun, frame_ends};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How much the topics of a hub remember, together and each.
#[derive(Debug)]
pub struct HistoryBudget {
    per_topic: usize,
    in_all: usize,
    used: AtomicUsize,
}

impl HistoryBudget {
    /// At most `per_topic` bytes a topic and `in_all` bytes together, beside each topic's last event.
    #[must_use]
    pub fn new(per_topic: usize, in_all: usize) -> Self {
        HistoryBudget { per_topic, in_all, used: AtomicUsize::new(0) }
    }

    /// Bytes in use.
    #[must_use]
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

/// The newest runs of a topic; at least its last event, once it had one.
#[derive(Debug)]
pub(super) struct History {
    runs: VecDeque<QueuedRun>,
    bytes: usize,
    budget: Arc<HistoryBudget>,
}

impl History {
    pub(super) fn new(budget: Arc<HistoryBudget>) -> Self {
        History { runs: VecDeque::new(), bytes: 0, budget }
    }

    pub(super) fn push(&mut self, run: QueuedRun) {
        self.add(run.size());
        self.runs.push_back(run);
        while self.runs.len() > 1 && self.over_budget() {
            let Some(oldest) = self.runs.pop_front() else { break };
            self.sub(oldest.size());
        }
        if self.over_budget() {
            self.cut_to_last_event();
        }
    }

    /// Forgets all but the last event.
    pub(super) fn keep_last_event(&mut self) {
        while self.runs.len() > 1 {
            let Some(oldest) = self.runs.pop_front() else { break };
            self.sub(oldest.size());
        }
        self.runs.shrink_to_fit();
        self.cut_to_last_event();
    }

    /// Of the last run, keeps its last event.
    fn cut_to_last_event(&mut self) {
        if let Some(last) = self.runs.back()
            && last.count > 1
        {
            let last_event = cut(last, last.last(), last.last(), None);
            let (before, after) = (last.size(), last_event.size());
            self.runs.clear();
            self.runs.push_back(last_event);
            self.add(after);
            self.sub(before);
        }
    }

    fn over_budget(&self) -> bool {
        self.bytes > self.budget.per_topic || self.budget.used() > self.budget.in_all
    }

    fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.budget.used.fetch_add(bytes, Ordering::Relaxed);
    }

    fn sub(&mut self, bytes: usize) {
        self.bytes -= bytes;
        self.budget.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// The oldest number it still has.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.runs.front().map(|run| run.first)
    }

    /// The newest number it has.
    pub(super) fn newest(&self) -> Option<u64> {
        self.runs.back().map(QueuedRun::last)
    }

    /// What it has from number `from` on, for one subscription, as `role` may see it.
    pub(super) fn replay(
        &self,
        from: u64,
        subscription: u64,
        role: Arc<str>,
    ) -> impl Iterator<Item = QueuedRun> {
        let start = self.runs.partition_point(|run| run.last() < from);
        self.runs.range(start..).map(move |run| match run.first < from {
            true => cut(run, from, run.last(), None).shared_with(subscription, &role),
            false => run.shared_with(subscription, &role),
        })
    }

    /// Forgets everything, because the topic has ended. Publishers may remember the topic for
    /// long after that.
    pub(super) fn clear(&mut self) {
        self.runs = VecDeque::new();
        self.sub(self.bytes);
    }
}

/// The events with these numbers, as a run of their own.
fn cut(run: &QueuedRun, first: u64, last: u64, subscription: Option<u64>) -> QueuedRun {
    let events = run.events();
    let ends: Vec<usize> = std::iter::once(0).chain(frame_ends(&events)).collect();
    let index = |number: u64| (number - run.first) as usize;
    let frames = &events[ends[index(first)]..ends[index(last) + 1]];
    run.part(subscription, first, (last - first + 1) as u32, frames)
}

impl Drop for History {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
