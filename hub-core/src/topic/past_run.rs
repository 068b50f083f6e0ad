//! Holds a run for the history, which counts it for who published it.
//!
//! Without this type, each way in which a history forgets a run would have to take it off that account.

use super::queued_run::QueuedRun;
use std::ops::Deref;

/// Holds a run of a history, and counts it for its publisher until it is dropped.
#[derive(Debug)]
pub(super) struct PastRun {
    run: QueuedRun,
    counted: bool,
}

impl PastRun {
    pub(super) fn new(run: QueuedRun) -> Self {
        run.source.change_in_history(0, run.size());
        PastRun { run, counted: true }
    }

    /// Returns the run as one that does not count for its publisher, because only replays still need it.
    pub(super) fn for_replays(mut self) -> Self {
        self.uncount();
        self
    }

    fn uncount(&mut self) {
        if std::mem::replace(&mut self.counted, false) {
            self.run.source.change_in_history(self.run.size(), 0);
        }
    }
}

impl Deref for PastRun {
    type Target = QueuedRun;

    fn deref(&self) -> &QueuedRun {
        &self.run
    }
}

impl Drop for PastRun {
    fn drop(&mut self) {
        self.uncount();
    }
}
