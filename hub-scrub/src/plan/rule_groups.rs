//! This module groups the rules of a plan by what they do, so that the engine handles a whole group with one
//! operation.
//!
//! Without it, the engine would compare each value with each rule, and most rules cannot apply to the value.

use super::rule::{Rule, RuleKind};
use crate::model::{Action, Mode, RuleBits, Type};
use std::sync::Arc;

/// A `Planned` rule is a rule in a plan.
pub(crate) struct Planned {
    pub(crate) rule: Arc<Rule>,
    pub(crate) mode: Mode,
}

/// `Sets` has the rules of a plan in groups by what they do. A rule can be in several groups.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sets {
    /// These rules search without detectors, and act on a whole value.
    pub(crate) whole: RuleBits,
    /// These rules act on the parts of a text that detectors find.
    pub(crate) detecting: RuleBits,
    /// These rules have the action `normalise`.
    pub(crate) normalising: RuleBits,
    /// These rules have the action `range`.
    pub(crate) ranging: RuleBits,
    /// These rules have the action `allow_keys`.
    pub(crate) allowing: RuleBits,
    /// These rules limit the structure of a payload.
    pub(crate) structures: RuleBits,
    /// These rules have a JSON Schema.
    pub(crate) schemas: RuleBits,
    /// These rules call a scrubber.
    pub(crate) scrubbers: RuleBits,
    /// These rules have a condition and search for nothing.
    pub(crate) conditions: RuleBits,
    /// These rules have a condition, whatever else they search for.
    pub(crate) conditional: RuleBits,
    /// These rules act on a part of the messages.
    pub(crate) partial: RuleBits,
    /// These rules search in values.
    pub(crate) in_values: RuleBits,
    /// These rules search in keys.
    pub(crate) in_keys: RuleBits,
    /// These rules search in headers.
    pub(crate) in_headers: RuleBits,
    /// These rules search in the bytes of ext values.
    pub(crate) in_ext: RuleBits,
    /// These rules are in shadow mode.
    pub(crate) shadow: RuleBits,
    /// These rules need a walk over the values.
    pub(crate) walking: RuleBits,
    /// These rules can apply to a value in which no detector finds anything.
    pub(crate) direct: RuleBits,
}

impl Sets {
    pub(super) fn of(rules: &[Planned]) -> Sets {
        let mut sets = Sets::default();
        for (n, Planned { rule, mode }) in rules.iter().enumerate() {
            match mode {
                Mode::Shadow => sets.shadow.set(n),
                Mode::Percent(_) => sets.partial.set(n),
                Mode::Enforce => {}
            }
            if rule.condition.is_some() {
                sets.conditional.set(n);
            }
            let find = match &rule.kind {
                RuleKind::Structure(_) => {
                    sets.structures.set(n);
                    sets.walking.set(n);
                    continue;
                }
                RuleKind::Schema(_) => {
                    sets.schemas.set(n);
                    continue;
                }
                RuleKind::Scrubber(_) => {
                    sets.scrubbers.set(n);
                    continue;
                }
                RuleKind::Condition => {
                    sets.conditions.set(n);
                    continue;
                }
                RuleKind::Find(find) => find,
            };
            sets.walking.set(n);
            if find.types.contains(&Type::Ext) {
                sets.in_ext.set(n);
            }
            for (set, place) in [
                (&mut sets.in_values, find.in_values),
                (&mut sets.in_keys, find.in_keys),
                (&mut sets.in_headers, find.in_headers),
            ] {
                if place {
                    set.set(n);
                }
            }
            match &rule.action {
                Action::Normalise(_) => sets.normalising.set(n),
                Action::Range { .. } => sets.ranging.set(n),
                Action::AllowKeys { .. } => sets.allowing.set(n),
                _ if find.detectors.is_empty() => sets.whole.set(n),
                _ => sets.detecting.set(n),
            }
        }
        sets.direct = sets.whole | sets.normalising | sets.ranging;
        sets
    }
}
