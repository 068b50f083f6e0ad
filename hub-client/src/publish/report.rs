//! Reports what went wrong with events that no caller waited for. The report is kept until the next
//! flush.
//!
//! Without this report, the refusal of such an event would be lost.

use hub_wire::Refused;

/// Lists what went wrong with events that no caller waited for, since the last flush.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Report {
    pub(crate) refused: Vec<Refused>,
    /// Beyond the refusals that are kept, there were this many.
    pub(crate) refused_more: u64,
    pub(crate) outcome_unknown: u64,
    pub(crate) not_sent: u64,
}

impl Report {
    /// Adds a refusal. If `kept` refusals are there already, the refusal is only counted.
    pub(crate) fn refuse(&mut self, refused: Refused, kept: usize) {
        if self.refused.len() < kept {
            self.refused.push(refused);
        } else {
            self.refused_more += 1;
        }
    }
}
