//! The memory that the engine uses, and keeps from one message to the next.
//!
//! Without it each message would allocate its stack and its lists anew.

use super::finds::Finds;
use super::shadow_sample::ShadowSample;
use crate::detect::Candidates;
use crate::matching::FindScratch;
use crate::model::RuleBits;
use crate::plan::Plan;
use std::collections::HashMap;

/// The memory that the engine uses. Each thread keeps one from message to message.
#[derive(Default)]
pub struct Scratch {
    /// `first` is for the pass over the message as it came, `again` for the passes over its
    /// renderings.
    pub(super) first: PassScratch,
    pub(super) again: PassScratch,
    pub(super) counts: Vec<RuleCount>,
}

/// How often a rule applied to one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RuleCount {
    /// The rule's number in its plan.
    pub rule: usize,
    /// The number of finds on which the rule acted.
    pub hits: u32,
    /// The number of finds on which the rule would have acted if it were not in shadow mode.
    pub shadow: u32,
}

impl Scratch {
    /// The rules that applied to the last message. Rules without a find are left out.
    pub fn applied(&self) -> impl Iterator<Item = RuleCount> {
        self.counts.iter().copied().filter(|count| count.hits + count.shadow > 0)
    }
}

impl std::fmt::Debug for Scratch {
    /// It shows nothing of a message.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scratch")
    }
}

/// A map or an array whose entries the pass is reading.
#[derive(Debug, Clone, Copy)]
pub(super) struct OpenContainer {
    /// The offset of the container's head.
    pub(super) at: usize,
    pub(super) map: bool,
    pub(super) left: usize,
    pub(super) index: usize,
    /// The offset of the key of the entry that is being read. For an array it is the offset of the
    /// array's own key.
    pub(super) key_at: Option<usize>,
    /// The rules that name that key.
    pub(super) keys: RuleBits,
    /// The rules that allow only some keys in this map.
    pub(super) allow: RuleBits,
}

/// The state of one pass.
#[derive(Default)]
pub(super) struct PassScratch {
    pub(super) open: Vec<OpenContainer>,
    /// The states of the path automaton, one row for each open container.
    pub(super) rows: Vec<u64>,
    pub(super) payload: Finds,
    pub(super) headers: Finds,
    /// `active` has the rules that act, `shadow` those that only count.
    pub(super) active: RuleBits,
    pub(super) shadow: RuleBits,
    pub(super) steps: u64,
    pub(super) matches: u32,
    pub(super) elements: usize,
    pub(super) finding: FindScratch,
    /// Where detectors could find anything in the bytes of the pass. Valid if `candidates_marked` is set.
    pub(super) candidates: Candidates,
    pub(super) candidates_marked: bool,
    /// The first find of each rule in shadow mode, if samples are collected.
    pub(super) samples: Option<Vec<ShadowSample>>,
    /// Where a map (by its offset) has a key (by its hash).
    pub(super) seen: HashMap<(usize, u64), usize>,
}

impl PassScratch {
    /// Prepares it for a message. Each rule acts or is in shadow mode, as the rule file has it.
    pub(super) fn reset(&mut self, plan: &Plan) {
        self.open.clear();
        self.payload.clear();
        self.headers.clear();
        self.seen.clear();
        self.shadow = plan.sets.shadow;
        self.active = !plan.sets.shadow;
        (self.steps, self.matches, self.elements) = (0, 0, 0);
    }

    /// Keeps the first find of a rule as its sample, if samples are collected.
    pub(super) fn sample(&mut self, rule: usize, what: impl FnOnce() -> (String, String)) {
        let Some(samples) = &mut self.samples else { return };
        if samples.iter().all(|sample| sample.rule != rule) {
            let (path, shape) = what();
            samples.push(ShadowSample { rule, path, shape });
        }
    }
}
