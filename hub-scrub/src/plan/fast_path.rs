//! This module decides whether a plan has a fast path, on which the engine sees quickly that a message is
//! clean.
//!
//! Without it, every message would take the full pass, although most messages have nothing to find.

use super::rule::{Find, RuleKind};
use super::rule_groups::{Planned, Sets};
use crate::matching::{Finder, NameFilter};

/// A `FastPathPlan` is what the fast path needs to know about the rules of a plan.
#[derive(Debug)]
pub(crate) struct FastPathPlan {
    /// The filter has the keys that rules name in `keys` or in paths. In a message without these keys, only
    /// detectors can find anything.
    pub(crate) names: NameFilter,
    /// If this is true, at least one rule uses detectors.
    pub(crate) detecting: bool,
}

impl FastPathPlan {
    /// Returns `None` if some rule can apply to a value under any key. A message may then have no key by
    /// which the fast path could see that the rule applies.
    pub(super) fn of(rules: &[Planned], sets: &Sets, finder: &Finder) -> Option<FastPathPlan> {
        let find = |rule: usize| match &rules[rule].rule.kind {
            RuleKind::Find(find) => Some(find),
            _ => None,
        };
        let walking: Vec<&Find> = sets.walking.iter().map(find).collect::<Option<_>>()?;
        let by_itself = (sets.direct | sets.allowing).iter().filter_map(find);
        let is_named = |find: &Find| {
            !find.keys.is_empty()
                || !find.named.is_empty()
                || !find.paths.is_empty() && find.paths.iter().all(|path| path.names_a_key())
        };
        if !by_itself.into_iter().all(is_named) || finder.searches() {
            return None;
        }
        let keys = walking.iter().flat_map(|find| find.keys.iter().map(|key| &**key));
        let atoms = walking.iter().flat_map(|find| &find.paths).flat_map(|path| path.keys());
        let names = keys.chain(atoms).map(str::as_bytes).collect();
        let detecting = !sets.detecting.is_empty();
        Some(FastPathPlan { names, detecting })
    }
}
