//! Keeps the history of a topic: its newest events, for subscribers that come late or come back.
//!
//! Without the history, a client that was away for a moment would have missed every event of that
//! moment.

use super::history_budget::{HasPast, HistoryBudget, Listed};
use super::past_run::PastRun;
use super::queued_run::QueuedRun;
use std::collections::VecDeque;
use std::sync::{Arc, Weak};

/// Holds the newest runs of a topic. They contain at least the last event, once the topic has had
/// an event.
#[derive(Debug)]
pub(super) struct History {
    runs: VecDeque<PastRun>,
    /// Replays need runs that `runs` has dropped since, or may need them.
    kept: Option<Box<KeptRuns>>,
    bytes: usize,
    /// The budget has the topic in its list under this time.
    listed: Option<Listed>,
    budget: Arc<HistoryBudget>,
}

/// Holds the runs that replays still need and that the history itself has dropped. They are older
/// than the runs of the history.
#[derive(Debug)]
struct KeptRuns {
    needs: ReplayNeeds,
    runs: VecDeque<PastRun>,
    bytes: usize,
}

/// States which events the replays of a topic still need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ReplayNeeds {
    /// A replay needs the event with this number, and all that follow.
    pub from: u64,
    /// From this number on, no event may be forgotten, whatever the budget is.
    pub firmly_from: u64,
}

impl History {
    pub(super) fn new(budget: Arc<HistoryBudget>) -> Self {
        History { runs: VecDeque::new(), kept: None, bytes: 0, listed: None, budget }
    }

    /// Appends a run to the history of `topic`, and drops the oldest runs of the topic that exceed
    /// its own budget. [`HistoryBudget::make_room`] ensures the budget of all topics.
    pub(super) fn push(&mut self, run: QueuedRun, topic: &Weak<dyn HasPast>) {
        self.add(run.size());
        self.runs.push_back(PastRun::new(run));
        while self.budget.exceeds_topic(self.bytes) && self.forget() {}
        // A topic that is listed keeps its place, even if it has forgotten runs since.
        if self.listed.is_none() && self.can_forget() {
            self.listed = self.budget.list(None, self.oldest_time(), topic);
        }
    }

    /// Drops all events but the last one, and what replays that wait for room need.
    pub(super) fn keep_last_event(&mut self) {
        while self.forget() {}
        self.runs.shrink_to_fit();
        if let Some(kept) = &mut self.kept {
            kept.drop_while(&self.budget, |_| true);
        }
    }

    /// Drops the last event too, unless a replay that waits for room needs it.
    pub(super) fn forget_last_event(&mut self) {
        while let Some(oldest) = self.runs.pop_front() {
            self.sub(oldest.size());
            if let Some(kept) = &mut self.kept {
                kept.keep(oldest, &self.budget);
            }
        }
        self.runs = VecDeque::new();
    }

    /// Drops the oldest runs until the budget of all topics is kept. At least the last event stays.
    pub(super) fn ensure_budget(&mut self) {
        while self.budget.is_exceeded() && self.forget() {}
    }

    /// Drops the oldest runs up to the time `until` for the other topics, while the budget of all
    /// topics is exceeded. `listed` is the place at which the budget found `topic`. Returns how many
    /// runs were dropped, which are at most `most`.
    pub(super) fn forget_for_all(
        &mut self,
        listed: Listed,
        until: u64,
        most: usize,
        topic: &Weak<dyn HasPast>,
    ) -> usize {
        if self.listed != Some(listed) {
            return 0; // The topic has ended, or has another place already.
        }
        let mut forgotten = 0;
        while forgotten < most
            && self.budget.is_exceeded()
            && self.oldest_time().is_some_and(|time_ms| time_ms <= until)
            && self.forget()
        {
            forgotten += 1;
        }
        let oldest = self.oldest_time().filter(|_| self.can_forget());
        self.listed = self.budget.list(self.listed, oldest, topic);
        forgotten
    }

    fn oldest_time(&self) -> Option<u64> {
        self.runs.front().map(|run| run.time_ms)
    }

    /// Returns whether the history has more than the last event.
    fn can_forget(&self) -> bool {
        self.runs.len() > 1 || self.runs.front().is_some_and(|run| run.count > 1)
    }

    /// Drops the oldest run, or all events of the last run but its last event. Returns false if there
    /// is only the last event.
    fn forget(&mut self) -> bool {
        if !self.can_forget() {
            return false;
        }
        let Some(oldest) = self.runs.pop_front() else { return false };
        self.sub(oldest.size());
        if self.runs.is_empty() {
            let last_event = oldest.cut(oldest.last(), oldest.last());
            self.add(last_event.size());
            self.runs.push_back(PastRun::new(last_event));
        }
        if let Some(kept) = &mut self.kept {
            kept.keep(oldest, &self.budget);
        }
        true
    }

    fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.budget.change_used(0, bytes);
    }

    fn sub(&mut self, bytes: usize) {
        self.bytes -= bytes;
        self.budget.change_used(bytes, 0);
    }

    /// Returns the number of the oldest event that a replay can still get.
    pub(super) fn oldest(&self) -> Option<u64> {
        let kept = self.kept.as_ref().and_then(|kept| kept.runs.front());
        kept.or(self.runs.front()).map(|run| run.first)
    }

    /// Returns the number of the newest event.
    pub(super) fn newest(&self) -> Option<u64> {
        self.runs.back().map(|run| run.last())
    }

    /// Returns the runs that are kept for replays.
    fn kept_runs(&self) -> impl Iterator<Item = &VecDeque<PastRun>> {
        self.kept.iter().map(|kept| &kept.runs)
    }

    /// Returns at most `most` of the runs with events from number `from` on, the oldest run first.
    pub(super) fn read(&self, from: u64, most: usize) -> Vec<QueuedRun> {
        let all = self.kept_runs().chain([&self.runs]);
        all.flat_map(|runs| runs.range(start(runs, from)..))
            .take(most)
            .map(|run| QueuedRun::clone(run))
            .collect()
    }

    /// Returns how many runs have events from number `from` on.
    pub(super) fn runs_from(&self, from: u64) -> usize {
        self.kept_runs().chain([&self.runs]).map(|runs| runs.len() - start(runs, from)).sum()
    }

    /// States what the replays of the topic need from now on. The history keeps it, as far as the
    /// budget allows. Otherwise a subscriber would get a gap for events that existed when it
    /// subscribed.
    ///
    /// What is kept beyond the history may take as much as the history itself, for each topic and
    /// for all topics together. It counts as held bytes.
    pub(super) fn keep_for_replays(&mut self, needs: Option<ReplayNeeds>) {
        match (needs, &mut self.kept) {
            (Some(needs), Some(kept)) => {
                kept.needs = needs;
                kept.drop_while(&self.budget, |run| run.last() < needs.from);
            }
            (Some(needs), none) => {
                let kept = KeptRuns { needs, runs: VecDeque::new(), bytes: 0 };
                *none = Some(Box::new(kept));
            }
            (None, kept) => {
                if let Some(kept) = kept.take() {
                    self.budget.change_kept(kept.bytes, 0);
                }
            }
        }
    }

    /// Returns whether a publisher of `size` bytes would take events away from a replay for which
    /// they must not be forgotten. Then the publisher has to wait.
    pub(super) fn is_short_for(&self, size: usize) -> bool {
        // Half of the bound is for publishers that find room at the same time.
        let kept = self.kept.as_ref().map_or(0, |kept| kept.bytes);
        kept > 0 && self.budget.keeps_too_much(kept, size, 2)
    }

    /// Drops all events, because the topic has ended. Publishers may hold a handle of the topic for
    /// long after that.
    pub(super) fn clear(&mut self) {
        self.runs = VecDeque::new();
        self.sub(self.bytes);
        self.keep_for_replays(None);
        if let Some(listed) = self.listed.take() {
            self.budget.unlist(listed);
        }
    }
}

/// Returns the index of the first run with events from number `from` on.
fn start(runs: &VecDeque<PastRun>, from: u64) -> usize {
    runs.partition_point(|run| run.last() < from)
}

impl KeptRuns {
    /// Keeps a run that the history drops, if a replay still needs it.
    fn keep(&mut self, run: PastRun, budget: &HistoryBudget) {
        if run.last() < self.needs.from {
            return;
        }
        self.bytes += run.size();
        budget.change_kept(0, run.size());
        self.runs.push_back(run.for_replays());
        let firmly_from = self.needs.firmly_from;
        while budget.keeps_too_much(self.bytes, 0, 1)
            && self.runs.front().is_some_and(|run| run.last() < firmly_from)
        {
            self.drop_first(budget);
        }
    }

    /// Drops the oldest runs for which `unneeded` returns true, as far as they may be forgotten.
    fn drop_while(&mut self, budget: &HistoryBudget, unneeded: impl Fn(&QueuedRun) -> bool) {
        let firmly_from = self.needs.firmly_from;
        let goes = |run: &PastRun| run.last() < firmly_from && unneeded(run);
        while self.runs.front().is_some_and(goes) {
            self.drop_first(budget);
        }
    }

    fn drop_first(&mut self, budget: &HistoryBudget) {
        if let Some(run) = self.runs.pop_front() {
            self.bytes -= run.size();
            budget.change_kept(run.size(), 0);
        }
    }
}

impl Drop for History {
    fn drop(&mut self) {
        self.clear();
    }
}
