//! Compiles the rules that apply to a topic, arranged so that the engine answers each question once for all
//! rules.
//!
//! Topics with the same rules share the compiled rules. Otherwise each name that a client makes up would take
//! some kilobytes.

use super::fast_path::FastPathPlan;
use super::rule::{Find, Rule, RuleKind, SharedParts};
use super::rule_groups::{Planned, Sets};
use crate::matching::{Finder, MAX_KEY_NAME, Names, PathSet, Step, fold_key};
use crate::model::{Action, Mode, RuleBits, Type};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Holds the compiled rules of one or more topics. They never change.
pub struct CompiledRules {
    pub(crate) rules: Vec<Planned>,
    pub(crate) shared: Arc<SharedParts>,
    pub(crate) paths: PathSet,
    /// The table has each key that rules name, with the rules that name it.
    keys: Names<RuleBits>,
    /// These rules name paths.
    with_paths: RuleBits,
    /// These rules name keys.
    with_keys: RuleBits,
    /// The entry at the number of a type has the rules that can apply to a value of that type.
    types: [RuleBits; 9],
    pub(crate) sets: Sets,
    pub(crate) finder: Arc<Finder>,
    /// The detectors of the finder have these numbers in [`SharedParts::detectors`].
    pub(crate) detectors: Vec<usize>,
    /// The entry at the index of a detector of the finder has the rules that use that detector.
    pub(crate) wanted: Vec<RuleBits>,
    /// This is `None` if the rules of the plan allow no fast path.
    pub(crate) fast_path: Option<FastPathPlan>,
    /// The first index is the number of a view, the second the number of a rule.
    pub(crate) actions: Vec<Vec<Action>>,
}

impl CompiledRules {
    pub(crate) fn new(rules: Vec<(Arc<Rule>, Mode)>, shared: Arc<SharedParts>) -> CompiledRules {
        let rules: Vec<Planned> =
            rules.into_iter().map(|(rule, mode)| Planned { rule, mode }).collect();
        let finds = || {
            rules.iter().enumerate().filter_map(|(n, planned)| match &planned.rule.kind {
                RuleKind::Find(find) => Some((n, find)),
                _ => None,
            })
        };
        let paths = finds().flat_map(|(n, find)| find.paths.iter().map(move |path| (n, path)));
        let paths = PathSet::new(paths);
        let mut keys: BTreeMap<Box<[u8]>, RuleBits> = BTreeMap::new();
        for (n, find) in finds() {
            for key in &find.keys {
                keys.entry(key.as_bytes().into()).or_default().set(n);
            }
        }
        let mut detectors: Vec<usize> =
            finds().flat_map(|(_, find)| find.detectors.iter().copied()).collect();
        detectors.sort_unstable();
        detectors.dedup();
        let wants = |detector: &usize| {
            finds().filter(|(_, find)| find.detectors.contains(detector)).map(|(n, _)| n).collect()
        };
        let wanted = detectors.iter().map(wants).collect();
        let finder = shared.detectors.finder(&detectors);
        let of_type = |kind: Type| {
            let suits = |find: &Find| find.types.is_empty() || find.types.contains(&kind);
            finds().filter(|(_, find)| suits(find)).map(|(n, _)| n).collect()
        };
        let types = Type::ALL.map(of_type);
        let with_paths =
            finds().filter(|(_, find)| !find.paths.is_empty()).map(|(n, _)| n).collect();
        let with_keys = finds().filter(|(_, find)| !find.keys.is_empty()).map(|(n, _)| n).collect();
        let actions = shared.views.all().iter().map(|view| {
            let action = |planned: &Planned| {
                view.labels.get(&*planned.rule.label).unwrap_or(&planned.rule.action).clone()
            };
            rules.iter().map(action).collect()
        });
        let (sets, actions) = (Sets::of(&rules), actions.collect());
        let fast_path = FastPathPlan::of(&rules, &sets, &finder);
        CompiledRules {
            paths,
            keys: keys.into_iter().collect(),
            with_paths,
            with_keys,
            types,
            sets,
            finder,
            detectors,
            wanted,
            actions,
            fast_path,
            shared,
            rules,
        }
    }

    /// Returns the stages of a scrub in their order. Each stage has a name and its rules.
    pub(crate) fn stages(&self) -> [(&'static str, RuleBits); 3] {
        let whole = self.sets.schemas | self.sets.conditions;
        [("scrubbers", self.sets.scrubbers), ("message", whole), ("values", self.sets.walking)]
    }

    /// Returns the rules that name this key.
    pub(crate) fn key(&self, key: &[u8]) -> RuleBits {
        if !self.keys.may_have(key) {
            return RuleBits::NONE;
        }
        let mut buffer = [0; MAX_KEY_NAME];
        let folded = fold_key(key, &mut buffer);
        folded.and_then(|key| self.keys.get(key)).unwrap_or_default()
    }

    /// Returns whether a rule names this key. Errors may show only such keys.
    pub(crate) fn names(&self, key: &[u8]) -> bool {
        matches!(self.paths.atom(key), Step::Atom(_)) || !self.key(key).is_empty()
    }

    /// Returns the rules that can apply to a value of the type `kind`. `paths` has the rules whose path ends
    /// at the value, and `keys` has the rules that name its key.
    pub(crate) fn located(&self, kind: Type, paths: RuleBits, keys: RuleBits) -> RuleBits {
        self.types[kind as usize] & (paths | !self.with_paths) & (keys | !self.with_keys)
    }

    /// Returns the rules that can apply to a key. `paths` has the rules whose path ends at the value of the
    /// key, and `keys` has the rules that name the key.
    pub(crate) fn located_key(&self, paths: RuleBits, keys: RuleBits) -> RuleBits {
        (paths | !self.with_paths) & (keys | !self.with_keys)
    }

    /// Returns the rules that name a path, in the payload or in the headers.
    pub(crate) fn with_paths(&self) -> RuleBits {
        self.with_paths
    }
}
