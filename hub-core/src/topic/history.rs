//! Keeps the history of a topic: its newest events, for subscribers that come late or come back.
//!
//! Without the history, a client that was away for a moment would have missed every event of that
//! moment.

use super::queued_run::QueuedRun;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bounds the history: how many bytes each topic may keep, and how many all topics of a hub may
/// keep together.
#[derive(Debug)]
pub struct HistoryBudget {
    per_topic: usize,
    in_all: usize,
    used: AtomicUsize,
}

impl HistoryBudget {
    /// Returns a budget of `per_topic` bytes for each topic and of `in_all` bytes for all topics
    /// together. A topic keeps its last event even if that exceeds the budget.
    #[must_use]
    pub fn new(per_topic: usize, in_all: usize) -> Self {
        HistoryBudget { per_topic, in_all, used: AtomicUsize::new(0) }
    }

    /// Returns how many bytes the histories of all topics use now.
    #[must_use]
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

/// Holds the newest runs of a topic. They contain at least the last event, once the topic has had
/// an event.
#[derive(Debug)]
pub(super) struct History {
    runs: VecDeque<QueuedRun>,
    /// A replay that is under way reads the event with this number next.
    kept_from: Option<u64>,
    /// A replay still has to read these runs, which `runs` has dropped since. They are older than
    /// the runs in `runs`.
    kept: VecDeque<QueuedRun>,
    bytes: usize,
    budget: Arc<HistoryBudget>,
}

impl History {
    pub(super) fn new(budget: Arc<HistoryBudget>) -> Self {
        History { runs: VecDeque::new(), kept_from: None, kept: VecDeque::new(), bytes: 0, budget }
    }

    /// Appends a run, and drops the oldest runs that exceed the budget.
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

    /// Drops all events but the last one.
    pub(super) fn keep_last_event(&mut self) {
        while self.runs.len() > 1 {
            self.forget_oldest();
        }
        self.runs.shrink_to_fit();
        self.cut_to_last_event();
    }

    /// Drops the oldest run, unless a replay still needs it.
    fn forget_oldest(&mut self) {
        if let Some(oldest) = self.runs.pop_front() {
            self.sub(oldest.size());
            self.keep(oldest);
        }
    }

    /// Reduces the last run to its last event.
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

    /// Returns whether this topic or all topics together exceed the budget.
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

    /// Returns the number of the newest event.
    pub(super) fn newest(&self) -> Option<u64> {
        self.runs.back().map(QueuedRun::last)
    }

    /// Returns at most `most` of the runs with events from number `from` on, the oldest run first.
    pub(super) fn read(&self, from: u64, most: usize) -> Vec<QueuedRun> {
        let (kept, remembered) = self.starts(from);
        let runs = self.kept.range(kept..).chain(self.runs.range(remembered..));
        runs.take(most).cloned().collect()
    }

    /// Returns how many runs have events from number `from` on.
    pub(super) fn runs_from(&self, from: u64) -> usize {
        let (kept, remembered) = self.starts(from);
        self.kept.len() - kept + self.runs.len() - remembered
    }

    /// Returns the index of the first run with events from number `from` on, among the runs that are
    /// kept for a replay and among the other runs.
    fn starts(&self, from: u64) -> (usize, usize) {
        let start = |runs: &VecDeque<QueuedRun>| runs.partition_point(|run| run.last() < from);
        (start(&self.kept), start(&self.runs))
    }

    /// Keeps every event from number `from` on for a replay, including the runs that exceed the budget
    /// from now on. Otherwise a subscriber would get a gap for events that existed when it subscribed.
    ///
    /// Runs that are kept for a replay do not count towards the budget. They count as held bytes.
    pub(super) fn keep_from(&mut self, from: u64) {
        self.kept_from = Some(from);
        let (read, _) = self.starts(from);
        self.kept.drain(..read);
    }

    /// Ends the replay, and drops the runs that were kept for it.
    pub(super) fn keep_no_longer(&mut self) {
        self.kept_from = None;
        self.kept = VecDeque::new();
    }

    /// Keeps a run that the history drops, if a replay still has to read it.
    fn keep(&mut self, run: QueuedRun) {
        if self.kept_from.is_some_and(|from| run.last() >= from) {
            self.kept.push_back(run);
        }
    }

    /// Drops all events, because the topic has ended. Publishers may hold a handle of the topic for
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
