//! Whether a plan lets the engine tell quickly that a message is clean, and what it needs for that.
//!
//! Without it every message would take the full pass, and most messages have nothing to find.

use super::rule::{Find, RuleKind};
use super::rule_groups::{Planned, Sets};
use crate::matching::{Finder, NameFilter};

/// What makes a plan fit for it.
#[derive(Debug)]
pub(crate) struct Glance {
    /// The keys that rules name, in `keys` or in paths: without one of them, no rule applies but
    /// by what detectors find.
    pub(crate) names: NameFilter,
    /// Whether any rule looks for what detectors find.
    pub(crate) detecting: bool,
}

impl Glance {
    /// `None` if some rule looks at values whatever their keys are.
    pub(super) fn of(rules: &[Planned], sets: &Sets, finder: &Finder) -> Option<Glance> {
        let find = |rule: usize| match &rules[rule].rule.kind {
            RuleKind::Find(find) => Some(find),
            _ => None,
        };
        let walking: Vec<&Find> = sets.walking.iter().map(find).collect::<Option<_>>()?;
        let by_itself = (sets.direct | sets.allowing).iter().filter_map(find);
        let is_named = |find: &Find| {
            !find.keys.is_empty()
                || !find.paths.is_empty() && find.paths.iter().all(|path| path.names_a_key())
        };
        if !by_itself.into_iter().all(is_named) || finder.searches() {
            return None;
        }
        let keys = walking.iter().flat_map(|find| find.keys.iter().map(|key| &**key));
        let atoms = walking.iter().flat_map(|find| &find.paths).flat_map(|path| path.keys());
        let names = keys.chain(atoms).map(str::as_bytes).collect();
        let detecting = !sets.detecting.is_empty();
        Some(Glance { names, detecting })
    }
}
