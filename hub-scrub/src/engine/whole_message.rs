//! This module decides about a message as a whole: which rules apply to it, what scrubbers return, and
//! whether conditions and schemas hold.
//!
//! These decisions come before the walk. Otherwise the engine would walk over messages that are refused.

use super::interrupt::{Interrupt, InterruptCause};
use super::scratch::{PassScratch, RuleCount};
use super::shadow_sample::shape;
use super::verdict::QuarantineReason;
use crate::matching::{Inputs, to_json};
use crate::model::{Action, Mode, RuleBits, ScrubberEvent, ScrubberOutcome};
use crate::plan::{Plan, RuleKind};
use hub_wire::{Limits, walk_all};
use std::hash::{DefaultHasher, Hasher};

impl Plan {
    /// Decides for each rule that acts only on a part of the messages whether it acts on this one. The choice
    /// depends only on the payload, so every scrub of the message chooses alike.
    pub(super) fn choose_partial_rules(&self, payload: &[u8], scratch: &mut PassScratch) {
        if self.sets.partial.is_empty() {
            return;
        }
        scratch.steps.add(payload.len() as u64 / 8);
        let mut hasher = DefaultHasher::new();
        hasher.write(payload);
        let draw = hasher.finish() % 100;
        for rule in self.sets.partial.iter() {
            if let Mode::Percent(percent) = self.rules[rule].mode
                && draw >= u64::from(percent)
            {
                scratch.shadow.set(rule);
                scratch.active = scratch.active & !RuleBits::one(rule);
            }
        }
    }

    /// Calls the scrubber of a rule. Returns the new payload if the scrubber replaced it.
    pub(super) fn own_scrubber(
        &self,
        rule: usize,
        payload: &[u8],
        headers: Option<&[u8]>,
        scratch: &mut PassScratch,
        counts: &mut [RuleCount],
    ) -> Result<Option<Vec<u8>>, Interrupt> {
        let RuleKind::Scrubber(scrubber) = &self.rules[rule].rule.kind else { return Ok(None) };
        if !(scratch.active | scratch.shadow).has(rule) {
            return Ok(None);
        }
        let event = ScrubberEvent { topic: self.topic.as_str(), payload, headers };
        match scrubber.scrub(&event) {
            ScrubberOutcome::Pass => Ok(None),
            ScrubberOutcome::Replace(new) if new == payload => Ok(None),
            ScrubberOutcome::Replace(new) => {
                scratch.steps.spend(new.len() as u64 / 8)?;
                if walk_all(&new, &Limits::NONE).is_err() {
                    let reason = QuarantineReason::BadScrubber;
                    return Err(InterruptCause::Quarantine { rule: Some(rule), reason }.into());
                }
                let acts = scratch.active.has(rule);
                count(counts, rule, acts);
                if !acts {
                    scratch.sample(rule, || ("$".to_owned(), shape(payload)));
                }
                Ok(acts.then_some(new))
            }
            ScrubberOutcome::Hit => {
                self.message_hit(rule, "$", payload, scratch, counts).map(|()| None)
            }
        }
    }

    /// Evaluates the conditions and the schemas of all rules without scrubbers.
    pub(super) fn whole_message(
        &self,
        payload: &[u8],
        headers: Option<&[u8]>,
        scratch: &mut PassScratch,
        counts: &mut [RuleCount],
    ) -> Result<(), Interrupt> {
        let conditional = self.sets.conditional & !self.sets.scrubbers;
        if !conditional.is_empty() {
            let inputs = self.inputs(payload, headers, scratch)?;
            for rule in conditional.iter() {
                self.decide(rule, inputs.as_ref(), scratch)?;
            }
        }
        let running = scratch.active | scratch.shadow;
        let schemas = self.sets.schemas & running;
        if !schemas.is_empty() {
            let (json, steps) = to_json(payload, scratch.steps.left());
            scratch.steps.spend(steps)?;
            for rule in schemas.iter() {
                let RuleKind::Schema(schema) = &self.rules[rule].rule.kind else { continue };
                scratch.steps.spend(schema.steps(payload.len()))?;
                let fault = match &json {
                    Some(json) => schema.fault(json),
                    None => Some("the payload has no JSON".to_owned()),
                };
                if let Some(path) = fault {
                    self.message_hit(rule, &path, payload, scratch, counts)?;
                }
            }
        }
        for rule in (self.sets.conditions & running).iter() {
            self.message_hit(rule, "$", payload, scratch, counts)?;
        }
        Ok(())
    }

    /// Makes a message readable to conditions, and pays for that.
    fn inputs(
        &self,
        payload: &[u8],
        headers: Option<&[u8]>,
        scratch: &mut PassScratch,
    ) -> Result<Option<Inputs>, Interrupt> {
        let left = scratch.steps.left();
        let (inputs, steps) = Inputs::new(self.topic.as_str(), payload, headers, left);
        scratch.steps.spend(steps)?;
        Ok(inputs)
    }

    /// Evaluates the condition of one rule, if it has one.
    pub(super) fn evaluate_condition(
        &self,
        rule: usize,
        payload: &[u8],
        headers: Option<&[u8]>,
        scratch: &mut PassScratch,
    ) -> Result<(), Interrupt> {
        if !self.sets.conditional.has(rule) {
            return Ok(());
        }
        let inputs = self.inputs(payload, headers, scratch)?;
        self.decide(rule, inputs.as_ref(), scratch)
    }

    /// Removes a rule from this pass if its condition does not hold.
    fn decide(
        &self,
        rule: usize,
        inputs: Option<&Inputs>,
        scratch: &mut PassScratch,
    ) -> Result<(), Interrupt> {
        // If CEL has no value for a part of the message, the condition is in doubt, and then the
        // rule applies.
        let (Some(condition), Some(inputs)) = (&self.rules[rule].rule.condition, inputs) else {
            return Ok(());
        };
        if scratch.steps.spend(condition.cost(inputs)).is_err() {
            let reason = QuarantineReason::Steps;
            return Err(InterruptCause::Quarantine { rule: Some(rule), reason }.into());
        }
        if !condition.holds(inputs) {
            let others = !RuleBits::one(rule);
            (scratch.active, scratch.shadow) = (scratch.active & others, scratch.shadow & others);
        }
        Ok(())
    }

    /// Counts a find in the message as a whole. If the rule acts, its action ends the message.
    fn message_hit(
        &self,
        rule: usize,
        path: &str,
        payload: &[u8],
        scratch: &mut PassScratch,
        counts: &mut [RuleCount],
    ) -> Result<(), Interrupt> {
        let acts = scratch.active.has(rule);
        count(counts, rule, acts);
        if !acts {
            scratch.sample(rule, || (path.to_owned(), shape(payload)));
            return Ok(());
        }
        let cause = match &self.rules[rule].rule.action {
            Action::Disconnect => InterruptCause::Disconnect { rule },
            Action::Quarantine => {
                InterruptCause::Quarantine { rule: Some(rule), reason: QuarantineReason::Rule }
            }
            _ => InterruptCause::Refuse { rule, path: path.to_owned() },
        };
        Err(cause.into())
    }
}

fn count(counts: &mut [RuleCount], rule: usize, acts: bool) {
    if let Some(count) = counts.get_mut(rule) {
        count.hits += u32::from(acts);
        count.shadow += u32::from(!acts);
    }
}
