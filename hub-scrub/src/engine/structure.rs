//! The structural rules limit sizes, depth and types, and find keys that occur twice in a map.
//!
//! Without them, a message that two readers understand differently would pass.

use super::finds::ValueForm;
use super::interrupt::Interrupt;
use super::message_pass::{MessagePass, ValueContext};
use crate::model::{DuplicateKeys, Nonfinite, RuleBits, Structure, ValueHead, read};
use crate::plan::RuleKind;
use std::hash::{BuildHasher, Hash, Hasher};

/// To look whether a map had a key before costs this many steps.
const DUPLICATE: u64 = 4;

impl MessagePass<'_> {
    /// Returns the structural rules that act or count on this message.
    fn structures(&self) -> RuleBits {
        self.plan.sets.structures & (self.scratch.active | self.scratch.shadow)
    }

    /// Checks a value against the structural rules. At the root it also checks the limits of the
    /// whole payload.
    pub(super) fn value_structure(
        &mut self,
        head: &ValueHead<'_>,
        context: &ValueContext,
    ) -> Result<(), Interrupt> {
        let plan = self.plan;
        if plan.sets.structures.is_empty() {
            return Ok(());
        }
        for (n, rule) in self.structures().iter().enumerate() {
            let RuleKind::Structure(limits) = &plan.rules[rule].rule.kind else { continue };
            // The step for the value pays for the first rule.
            if n > 0 {
                self.step(1)?;
            }
            let over = |limit: Option<usize>, have: usize| limit.is_some_and(|limit| have > limit);
            let depth = self.scratch.open.len();
            let wrong = over(limits.max_elements, self.scratch.elements)
                || (depth == 0 && over(limits.max_bytes, self.bytes.len()))
                || !type_allowed(limits, head)
                || match head {
                    ValueHead::Str(body) => over(limits.max_string_bytes, body.len()),
                    ValueHead::Array(_) => over(limits.max_depth, depth + 1),
                    ValueHead::Map(count) => {
                        over(limits.max_depth, depth + 1) || over(limits.max_keys, *count)
                    }
                    _ => false,
                };
            if wrong {
                self.hit(rule)?;
            }
            let ValueHead::Float(number) = head else { continue };
            if number.is_finite() || limits.nonfinite == Nonfinite::Allow {
                continue;
            }
            if limits.nonfinite == Nonfinite::Reject {
                self.hit(rule)?;
            } else if self.fix(rule)? {
                self.push_bare(context.at, context.entry, None, ValueForm::Nil);
            }
        }
        Ok(())
    }

    /// Checks a key against the structural rules.
    pub(super) fn key_structure(
        &mut self,
        key: &ValueHead<'_>,
        at: usize,
        map: usize,
    ) -> Result<(), Interrupt> {
        let plan = self.plan;
        if plan.sets.structures.is_empty() {
            return Ok(());
        }
        let mut first = None;
        for rule in self.structures().iter() {
            let RuleKind::Structure(limits) = &plan.rules[rule].rule.kind else { continue };
            let (ValueHead::Str(body) | ValueHead::Bin(body) | ValueHead::Ext(_, body)) = key
            else {
                self.duplicate(rule, limits, key, at, map, &mut first)?;
                continue;
            };
            if limits.max_key_bytes.is_some_and(|max| body.len() > max) {
                self.hit(rule)?;
            }
            self.duplicate(rule, limits, key, at, map, &mut first)?;
        }
        Ok(())
    }

    /// Handles a key that occurs twice in its map. `first` keeps the result of [`remember`](Self::remember)
    /// for the next rule.
    fn duplicate(
        &mut self,
        rule: usize,
        limits: &Structure,
        key: &ValueHead<'_>,
        at: usize,
        map: usize,
        first: &mut Option<Option<usize>>,
    ) -> Result<(), Interrupt> {
        if limits.duplicate_keys == DuplicateKeys::Allow {
            return Ok(());
        }
        self.step(DUPLICATE)?;
        let before = *first.get_or_insert_with(|| self.remember(key, at, map));
        let Some(before) = before else { return Ok(()) };
        if limits.duplicate_keys == DuplicateKeys::Reject {
            self.hit(rule)?;
        } else if self.fix(rule)? {
            let gone = if limits.duplicate_keys == DuplicateKeys::KeepFirst { at } else { before };
            self.push_bare(gone, gone, Some(map), ValueForm::Gone);
        }
        Ok(())
    }

    /// Returns the offset at which this map had this key last, and remembers the new offset.
    fn remember(&mut self, key: &ValueHead<'_>, at: usize, map: usize) -> Option<usize> {
        let mut hasher = self.scratch.seen.hasher().build_hasher();
        match key {
            ValueHead::Str(body) => (0, body).hash(&mut hasher),
            ValueHead::Bin(body) => (1, body).hash(&mut hasher),
            ValueHead::Ext(kind, body) => (2, kind, body).hash(&mut hasher),
            ValueHead::UInt(n) => (3, i128::from(*n)).hash(&mut hasher),
            ValueHead::Int(n) => (3, i128::from(*n)).hash(&mut hasher),
            ValueHead::Float(n) => (4, n.to_bits()).hash(&mut hasher),
            ValueHead::Bool(b) => (5, b).hash(&mut hasher),
            ValueHead::Nil | ValueHead::Array(_) | ValueHead::Map(_) => 6.hash(&mut hasher),
        }
        let before = self.scratch.seen.insert((map, hasher.finish()), at)?;
        // Unequal keys have equal hashes with a probability of 2^-64, under a seed that no
        // publisher knows.
        read(self.bytes, before).filter(|(other, _)| same(other, key)).map(|_| before)
    }

    /// Counts a find that a structural rule repairs instead of refusing the message. Returns
    /// whether the rule acts.
    fn fix(&mut self, rule: usize) -> Result<bool, Interrupt> {
        let acts = self.scratch.active.has(rule);
        if let Some(count) = self.counts.get_mut(rule) {
            count.hits += u32::from(acts);
            count.shadow += u32::from(!acts);
        }
        if !acts && self.scratch.samples.is_some() {
            self.sample(rule);
        }
        self.step(1)?;
        Ok(acts)
    }
}

/// Returns whether two keys are equal. The signed and the unsigned form of an integer are equal, and floats
/// are compared bit by bit.
fn same(a: &ValueHead<'_>, b: &ValueHead<'_>) -> bool {
    match (a, b) {
        (ValueHead::UInt(a), ValueHead::Int(b)) | (ValueHead::Int(b), ValueHead::UInt(a)) => {
            i128::from(*a) == i128::from(*b)
        }
        (ValueHead::Float(a), ValueHead::Float(b)) => a.to_bits() == b.to_bits(),
        (a, b) => a == b,
    }
}

fn type_allowed(limits: &Structure, head: &ValueHead<'_>) -> bool {
    let listed = limits.types.as_ref().is_none_or(|types| types.contains(&head.kind()));
    match head {
        ValueHead::Ext(kind, _) => {
            listed && limits.ext.as_ref().is_none_or(|ext| ext.contains(kind))
        }
        _ => listed,
    }
}
