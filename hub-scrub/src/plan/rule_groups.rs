//! The rules of a plan in groups by what they do, so that the engine handles a whole group with one
//! operation.
//!
//! Without it, each value would be compared with each rule, most of which cannot apply to it.

use super::rule::{Rule, RuleKind};
use crate::model::{Action, Mode, RuleBits};
use std::sync::Arc;

/// A rule in a plan.
pub(crate) struct Planned {
    pub(crate) rule: Arc<Rule>,
    pub(crate) mode: Mode,
}

/// The rules of a plan by what they do.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sets {
    /// `whole` has the rules that act on a whole value, `detecting` those that act on what a
    /// detector finds in it.
    pub(crate) whole: RuleBits,
    pub(crate) detecting: RuleBits,
    pub(crate) normalising: RuleBits,
    pub(crate) ranging: RuleBits,
    pub(crate) allowing: RuleBits,
    pub(crate) structures: RuleBits,
    pub(crate) schemas: RuleBits,
    pub(crate) scrubbers: RuleBits,
    pub(crate) conditions: RuleBits,
    pub(crate) conditional: RuleBits,
    pub(crate) partial: RuleBits,
    pub(crate) in_values: RuleBits,
    pub(crate) in_keys: RuleBits,
    pub(crate) in_headers: RuleBits,
    /// The rules in shadow mode.
    pub(crate) shadow: RuleBits,
    /// The rules that need a walk over the values.
    pub(crate) walking: RuleBits,
    /// The rules that apply to more of a value than what detectors find in its text.
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
