//! Compiles the rules that apply to a topic, arranged so that the engine answers each question once for all
//! rules.
//!
//! Topics with the same rules share the compiled rules. Otherwise each name that a client makes up would take
//! some kilobytes.

use super::fast_path::FastPathPlan;
use super::rule::{Find, Rule, RuleKind, SharedParts};
use super::rule_groups::{Planned, Sets};
use crate::detect::{KeyKind, KeyKinds};
use crate::matching::{Finder, MAX_KEY_NAME, Names, PathSet, Step, fold_key};
use crate::model::{Action, Mode, RuleBits, Type, ValueHead};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Holds the compiled rules of one or more topics. They never change.
pub struct CompiledRules {
    pub(crate) rules: Vec<Planned>,
    pub(crate) shared: Arc<SharedParts>,
    pub(crate) paths: PathSet,
    /// The table has each key that rules name, with the rules that name it.
    keys: Names<RuleBits>,
    /// These kinds of content are those for which rules look. The entry at the number of a kind has its rules.
    wanted_kinds: KeyKinds,
    kinds: Vec<RuleBits>,
    /// These rules name paths.
    with_paths: RuleBits,
    /// These rules name keys, or kinds of content that keys name.
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
        let by_key = |find: &Find| !find.keys.is_empty() || !find.named.is_empty();
        let with_keys = finds().filter(|(_, find)| by_key(find)).map(|(n, _)| n).collect();
        let rules_of = |kind: KeyKind| -> RuleBits {
            finds().filter(|(_, find)| find.named.contains(&kind)).map(|(n, _)| n).collect()
        };
        let kinds: Vec<RuleBits> = KeyKind::all().map(rules_of).collect();
        let has_rules = |kind: &KeyKind| !kinds[kind.number()].is_empty();
        let wanted_kinds = KeyKind::all().filter(has_rules).fold(0, |all, kind| all | kind.bit());
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
            wanted_kinds,
            kinds,
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

    /// Returns whether rules look for the kinds of content that keys name.
    pub(crate) fn looks_for_kinds(&self) -> bool {
        self.wanted_kinds != 0
    }

    /// Returns the kinds of content that this key names, as far as rules look for them.
    #[inline]
    pub(crate) fn kinds_of(&self, key: &[u8]) -> KeyKinds {
        if self.wanted_kinds == 0 { 0 } else { self.wanted_kinds & KeyKind::of_key(key) }
    }

    /// Returns the rules that name exactly this key.
    pub(crate) fn key(&self, key: &[u8]) -> RuleBits {
        if !self.keys.may_have(key) {
            return RuleBits::NONE;
        }
        let mut buffer = [0; MAX_KEY_NAME];
        let folded = fold_key(key, &mut buffer);
        folded.and_then(|key| self.keys.get(key)).unwrap_or_default()
    }

    /// Returns whether a rule names exactly this key. Errors may show only such keys.
    pub(crate) fn names(&self, key: &[u8]) -> bool {
        matches!(self.paths.atom(key), Step::Atom(_)) || !self.key(key).is_empty()
    }

    /// Returns the rules that look for content of some of these kinds, as far as `value` can be such content.
    pub(crate) fn of_kinds(&self, mut kinds: KeyKinds, value: &ValueHead<'_>) -> RuleBits {
        let mut rules = RuleBits::NONE;
        while kinds != 0 {
            let kind = KeyKind::numbered(kinds.trailing_zeros());
            kinds &= kinds - 1;
            if kind.fits(value) {
                rules |= self.kinds[kind.number()];
            }
        }
        rules
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
