//! This module has the memory that the engine keeps from one message to the next.
//!
//! Without it, each message would allocate its stack and its lists anew.

use super::find_report::FindReports;
use super::finds::Finds;
use super::shadow_sample::ShadowSample;
use super::steps::Steps;
use crate::detect::{Candidates, KeyKinds};
use crate::matching::FindScratch;
use crate::model::RuleBits;
use crate::plan::Plan;
use std::collections::HashMap;

/// `Scratch` is the memory that the engine uses for a message. Each thread keeps one from message to message.
#[derive(Default)]
pub struct Scratch {
    /// The pass over the message as it came uses this memory.
    pub(super) first: PassScratch,
    /// The passes over the renderings use this memory, and so does the search for samples.
    pub(super) again: PassScratch,
    /// The entry at the number of a rule has its counts.
    pub(super) counts: Vec<RuleCount>,
    /// The last event had this many bytes.
    pub(super) bytes: usize,
}

/// The memory for an event of at most this many bytes is kept for the next event.
const USUAL_BYTES: usize = 32 * 1024;
/// The memory for this many finds is kept for the next event.
const USUAL_FINDS: u32 = 500;

impl PassScratch {
    /// Returns how many steps the event has taken, with those of passes that the fast path has replaced.
    fn all_steps(&self) -> u64 {
        self.steps.spent() + self.quick_steps
    }
}

/// A `RuleCount` says how often a rule applied to one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RuleCount {
    /// The rule has this number in its plan.
    pub rule: usize,
    /// The rule acted on this many finds.
    pub hits: u32,
    /// The rule only counted this many finds, because it did not act on the message.
    pub shadow: u32,
}

impl Scratch {
    /// Returns the counts of the rules that applied to the last message. Rules without a find are left out.
    pub fn applied(&self) -> impl Iterator<Item = RuleCount> {
        self.counts.iter().copied().filter(|count| count.hits + count.shadow > 0)
    }

    /// Gives the memory back if the last event has needed more than usual. The caller has read the counts.
    ///
    /// The memory takes several times the bytes of an event. Without this call, one large event would take it
    /// for as long as the thread lives.
    pub fn trim(&mut self) {
        if self.bytes > USUAL_BYTES || self.first.matches.max(self.again.matches) > USUAL_FINDS {
            *self = Scratch::default();
        }
    }

    /// Returns how many steps of the budget the last event has taken. For passes that a quicker check has
    /// replaced, it is the most steps that they would have taken.
    pub fn steps(&self) -> u64 {
        self.first.all_steps().max(self.again.all_steps())
    }
}

impl std::fmt::Debug for Scratch {
    /// Writes the name of the type, and nothing of a message.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scratch")
    }
}

/// An `OpenContainer` is a map or an array whose entries the pass is reading.
#[derive(Debug, Clone, Copy)]
pub(super) struct OpenContainer {
    /// The container begins at this offset.
    pub(super) at: usize,
    /// If this is true, the container is a map.
    pub(super) map: bool,
    /// This many entries are not read yet.
    pub(super) left: usize,
    /// This many entries have been begun. The index of the current entry is one less.
    pub(super) index: usize,
    /// The key of the current entry is at this offset. For an array, the array's own key is there.
    pub(super) key_at: Option<usize>,
    /// These rules name that key.
    pub(super) keys: RuleBits,
    /// The key of the current entry names content of these kinds. For an array, its own key does.
    pub(super) kinds: KeyKinds,
    /// The key of this map, or of the array of which it is an element, names content of these kinds.
    pub(super) inside: KeyKinds,
    /// If this is true, the container is an element of an array.
    pub(super) is_element: bool,
    /// These rules allow only some keys in this map.
    pub(super) allow: RuleBits,
}

/// `PassScratch` is the memory of one pass over the payload and the headers of an event.
#[derive(Default)]
pub(super) struct PassScratch {
    /// The containers around the current value, from the outermost to the innermost, are open.
    pub(super) open: Vec<OpenContainer>,
    /// The states of the path automaton take one row for the root and one for each open container.
    pub(super) rows: Vec<u64>,
    pub(super) payload: Finds,
    pub(super) headers: Finds,
    /// These rules act.
    pub(super) active: RuleBits,
    /// These rules only count.
    pub(super) shadow: RuleBits,
    /// The scrub of the event has taken this many steps of the budget. The passes over the renderings go on
    /// from what the pass over the event as it came has taken.
    pub(super) steps: Steps,
    /// Passes that the fast path has replaced would have taken this many steps at most. They are no part of
    /// `steps`, so that the fast path changes no verdict, but it ends when both together exceed the budget.
    pub(super) quick_steps: u64,
    /// The pass has spent this many finds of the budget.
    pub(super) matches: u32,
    /// The pass has read this many elements.
    pub(super) elements: usize,
    /// Detectors use this memory.
    pub(super) finding: FindScratch,
    /// Detectors could find something only at these bytes. They are valid if `candidates_known` is set.
    pub(super) candidates: Candidates,
    pub(super) candidates_known: bool,
    /// If samples are collected, this has the first find of each rule in shadow mode.
    pub(super) samples: Option<Vec<ShadowSample>>,
    /// If reports are collected, this has the finds of the event.
    pub(super) reports: Option<FindReports>,
    /// For the offset of a map and the hash of a key, this has the offset at which the map last had the key.
    pub(super) seen: HashMap<(usize, u64), usize>,
}

impl PassScratch {
    /// Begins the budget of an event.
    pub(super) fn begin_budget(&mut self, steps: Steps) {
        (self.steps, self.quick_steps) = (steps, 0);
    }

    /// Prepares the memory for a pass. Each rule acts or is in shadow mode, as the rule file states. The steps
    /// stay, because the budget holds for all passes over an event together.
    pub(super) fn reset(&mut self, plan: &Plan) {
        self.open.clear();
        self.payload.clear();
        self.headers.clear();
        self.seen.clear();
        self.shadow = plan.sets.shadow;
        self.active = !plan.sets.shadow;
        (self.matches, self.elements) = (0, 0);
    }

    /// Returns whether a find of a rule needs no sample: the rule has one, or none is collected.
    pub(super) fn has_sample(&self, rule: usize) -> bool {
        let has = |samples: &Vec<ShadowSample>| samples.iter().any(|sample| sample.rule == rule);
        self.samples.as_ref().is_none_or(has)
    }

    /// Keeps the first find of a rule as its sample, if samples are collected.
    pub(super) fn sample(&mut self, rule: usize, what: impl FnOnce() -> (String, String)) {
        if self.has_sample(rule) {
            return;
        }
        if let Some(samples) = &mut self.samples {
            let (path, shape) = what();
            samples.push(ShadowSample { rule, path, shape });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fast_path_tests::plan;
    use hub_wire::Packer;

    /// Scrubs an event with so many addresses, and then trims the memory.
    fn keeps_memory_after(scratch: &mut Scratch, addresses: u32) -> bool {
        let rules = r#"
            [[rule]]
            name = "emails"
            find = { detectors = ["email"] }
            action = "mask"
            tests = { hits = ["ann@example.com"], misses = ["ann"] }
        "#;
        let mut payload = Vec::new();
        let mut pack = Packer(&mut payload);
        pack.array(addresses);
        for n in 0..addresses {
            pack.str(&format!("ann{n}@example.com"));
        }
        plan(rules).scrub(&payload, None, scratch);
        assert_eq!(scratch.applied().map(|rule| rule.hits).sum::<u32>(), addresses);
        scratch.trim();
        scratch.first.payload.values.capacity() > 0
    }

    #[test]
    fn only_a_usual_event_leaves_its_memory_to_the_next_one() {
        let mut scratch = Scratch::default();
        assert!(keeps_memory_after(&mut scratch, 20));
        assert!(!keeps_memory_after(&mut scratch, 600), "many finds");
        assert!(keeps_memory_after(&mut scratch, 20));
        assert!(!keeps_memory_after(&mut scratch, 5_000), "many bytes");
    }
}
