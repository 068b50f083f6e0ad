//! What a topic remembers of its events, for subscribers that come late or come back.

use super::queued_run::QueuedRun;
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
    /// For a replay that is under way: the number that it will read next, and the runs from
    /// there on that were forgotten in the meantime. They are older than those in `runs`.
    kept_from: Option<u64>,
    kept: VecDeque<QueuedRun>,
    bytes: usize,
    budget: Arc<HistoryBudget>,
}

impl History {
    pub(super) fn new(budget: Arc<HistoryBudget>) -> Self {
        History { runs: VecDeque::new(), kept_from: None, kept: VecDeque::new(), bytes: 0, budget }
    }

    pub(super) fn push(&mut self, run: QueuedRun) {
        self.add(run.size());
        self.runs.push_back(run);
        while self.runs.len() > 1 && self.over_budget() {
            self.forget_oldest();
        }
        if self.over_budget() {
            self.cut_to_last_event();
        }
    }

    /// Forgets all but the last event.
    pub(super) fn keep_last_event(&mut self) {
        while self.runs.len() > 1 {
            self.forget_oldest();
        }
        self.runs.shrink_to_fit();
        self.cut_to_last_event();
    }

    fn forget_oldest(&mut self) {
        if let Some(oldest) = self.runs.pop_front() {
            self.sub(oldest.size());
            self.keep(oldest);
        }
    }

    /// Of the last run, keeps its last event.
    fn cut_to_last_event(&mut self) {
        if let Some(last) = self.runs.back()
            && last.count > 1
        {
            let last_event = last.cut(last.last(), last.last());
            let (before, after) = (last.size(), last_event.size());
            let whole = self.runs.pop_back();
            whole.into_iter().for_each(|run| self.keep(run));
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

    /// The newest number it has.
    pub(super) fn newest(&self) -> Option<u64> {
        self.runs.back().map(QueuedRun::last)
    }

    /// At most `most` of the runs that have numbers from `from` on, the oldest first.
    pub(super) fn read(&self, from: u64, most: usize) -> Vec<QueuedRun> {
        let (kept, remembered) = self.starts(from);
        let runs = self.kept.range(kept..).chain(self.runs.range(remembered..));
        runs.take(most).cloned().collect()
    }

    /// How many runs have numbers from `from` on.
    pub(super) fn runs_from(&self, from: u64) -> usize {
        let (kept, remembered) = self.starts(from);
        self.kept.len() - kept + self.runs.len() - remembered
    }

    /// Where the runs begin that have numbers from `from` on: of those that are kept for a replay,
    /// and of the others.
    fn starts(&self, from: u64) -> (usize, usize) {
        let start = |runs: &VecDeque<QueuedRun>| runs.partition_point(|run| run.last() < from);
        (start(&self.kept), start(&self.runs))
    }

    /// Has a replay read everything from number `from` on, even if it is forgotten in the
    /// meantime. Otherwise a subscriber would get a gap for events that were there when it came.
    /// What is kept no longer counts for the budget; it counts as held until it is read.
    pub(super) fn keep_from(&mut self, from: u64) {
        self.kept_from = Some(from);
        let (read, _) = self.starts(from);
        self.kept.drain(..read);
    }

    /// The replay is over.
    pub(super) fn keep_no_longer(&mut self) {
        self.kept_from = None;
        self.kept = VecDeque::new();
    }

    fn keep(&mut self, run: QueuedRun) {
        if self.kept_from.is_some_and(|from| run.last() >= from) {
            self.kept.push_back(run);
        }
    }

    /// Forgets everything, because the topic has ended. Publishers may remember the topic for
    /// long after that.
    pub(super) fn clear(&mut self) {
        self.runs = VecDeque::new();
        self.sub(self.bytes);
    }
}

impl Drop for History {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
