//! What the engine needs while it runs, and keeps from message to message.
//!
//! Without it each message would allocate its stack and its lists anew.

use super::finds::Finds;
use super::shadow_sample::ShadowSample;
use crate::detect::Candidates;
use crate::matching::FindScratch;
use crate::model::RuleBits;
use crate::plan::Plan;
use std::collections::HashMap;

/// What the engine needs while it runs, kept from message to message: one a thread.
#[derive(Default)]
pub struct Scratch {
    /// The pass over the message as it came, and those over what was made of it.
    pub(super) first: Work,
    pub(super) again: Work,
    pub(super) counts: Vec<RuleCount>,
}

/// How often a rule applied to one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RuleCount {
    /// The rule's number in its plan.
    pub rule: usize,
    /// Finds on which it acted.
    pub hits: u32,
    /// Finds on which it would have acted, were it not in shadow mode.
    pub shadow: u32,
}

impl Scratch {
    /// What applied to the message that was scrubbed last; rules that did not are left out.
    pub fn applied(&self) -> impl Iterator<Item = RuleCount> {
        self.counts.iter().copied().filter(|count| count.hits + count.shadow > 0)
    }
}

impl std::fmt::Debug for Scratch {
    /// Without content of messages.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scratch")
    }
}

/// An open container.
#[derive(Debug, Clone, Copy)]
pub(super) struct OpenContainer {
    /// Where its head is.
    pub(super) at: usize,
    pub(super) map: bool,
    pub(super) left: usize,
    pub(super) index: usize,
    /// Where the key of the entry at work is; of an array, where its own key is.
    pub(super) key_at: Option<usize>,
    /// Rules that name that key; of an array, those that name its own key.
    pub(super) keys: RuleBits,
    /// Rules that allow only some keys here.
    pub(super) allow: RuleBits,
}

/// The state of one pass.
#[derive(Default)]
pub(super) struct Work {
    pub(super) open: Vec<OpenContainer>,
    /// Rows of path states, one a level.
    pub(super) rows: Vec<u64>,
    pub(super) payload: Finds,
    pub(super) headers: Finds,
    /// Rules that act, and rules that only count.
    pub(super) active: RuleBits,
    pub(super) shadow: RuleBits,
    pub(super) steps: u64,
    pub(super) matches: u32,
    pub(super) elements: usize,
    pub(super) finding: FindScratch,
    /// Where detectors could find anything in what the pass goes over, once that was asked.
    pub(super) candidates: Candidates,
    pub(super) sifted: bool,
    /// Of each rule in shadow the first find, if that is asked for.
    pub(super) samples: Option<Vec<ShadowSample>>,
    /// Where a map (by its offset) has a key (by its hash).
    pub(super) seen: HashMap<(usize, u64), usize>,
}

impl Work {
    /// Readies it for a message; every rule acts or is in shadow, as its mode says.
    pub(super) fn reset(&mut self, plan: &Plan) {
        self.open.clear();
        self.payload.clear();
        self.headers.clear();
        self.seen.clear();
        self.shadow = plan.sets.shadow;
        self.active = !plan.sets.shadow;
        (self.steps, self.matches, self.elements) = (0, 0, 0);
    }

    pub(super) fn sample(&mut self, rule: usize, what: impl FnOnce() -> (String, String)) {
        let Some(samples) = &mut self.samples else { return };
        if samples.iter().all(|sample| sample.rule != rule) {
            let (path, shape) = what();
            samples.push(ShadowSample { rule, path, shape });
        }
    }
}
