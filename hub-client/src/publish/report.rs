//! What became of events that nobody waited for, until somebody flushes.
//!
//! Without it, a refusal of such an event would be lost.

use hub_wire::Refused;

/// How far the hub's verdicts have come, for those who wait for it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PublishProgress {
    pub(crate) settled: u64,
    pub(crate) ended: bool,
}

/// What went wrong with events that nobody waited for, kept until somebody flushes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Report {
    pub(crate) refused: Vec<Refused>,
    /// Refusals beyond what is kept.
    pub(crate) refused_more: u64,
    pub(crate) outcome_unknown: u64,
    pub(crate) not_sent: u64,
}

impl Report {
    pub(crate) fn refuse(&mut self, refused: Refused, kept: usize) {
        if self.refused.len() < kept {
            self.refused.push(refused);
        } else {
            self.refused_more += 1;
        }
    }
}
