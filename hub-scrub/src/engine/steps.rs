//! This module counts the steps that the scrub of one event has taken, against the budget of that event.
//!
//! Without it, each pass and each view would have a budget of its own, and one event could take many of them.

use super::interrupt::Interrupt;
use super::verdict::QuarantineReason;
use crate::detect::READS;
use crate::model::Budget;

/// `Steps` has the steps of one event. All passes over the event and over its renderings go on from it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Steps {
    spent: u64,
    limit: u64,
}

impl Steps {
    /// Begins with the budget of an event of this many bytes.
    pub(super) fn begin(budget: &Budget, bytes: usize) -> Steps {
        Steps { spent: 0, limit: budget.steps_for(bytes) }
    }

    /// Returns the same budget, but with no more than this many steps.
    pub(super) fn at_most(self, most: u64) -> Steps {
        Steps { limit: self.limit.min(most), ..self }
    }

    /// Spends steps. Interrupts if too few are left.
    #[inline]
    pub(super) fn spend(&mut self, steps: u64) -> Result<(), Interrupt> {
        self.add(steps);
        if self.spent > self.limit {
            return Err(QuarantineReason::Steps.into());
        }
        Ok(())
    }

    /// Adds steps. If they were too many, the next call of [`spend`](Self::spend) interrupts.
    #[inline]
    pub(super) fn add(&mut self, steps: u64) {
        self.spent = self.spent.saturating_add(steps);
    }

    /// Returns how many steps the event has taken.
    pub(super) fn spent(&self) -> u64 {
        self.spent
    }

    /// Returns how many steps the event may take.
    pub(super) fn limit(&self) -> u64 {
        self.limit
    }

    /// Returns how many steps the event may still take.
    pub(super) fn left(&self) -> u64 {
        self.limit.saturating_sub(self.spent)
    }

    /// Returns how many reads the steps that are left pay for.
    pub(super) fn reads_left(&self) -> u64 {
        self.left().saturating_mul(READS)
    }
}
