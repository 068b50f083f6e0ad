//! A plan has the rules for one topic, arranged so that the engine answers each question once for all rules.
//!
//! Without it, the engine would have to choose from all rules of a file for each message.

use super::fast_path::FastPathPlan;
use super::rule::{Find, Rule, RuleKind, SharedParts};
use super::rule_groups::{Planned, Sets};
use crate::matching::{FindScratch, Finder, MAX_KEY_NAME, Names, PathSet, Step, fold_key};
use crate::model::{Action, Mode, RuleBits, Type};
use hub_wire::TopicName;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A `Plan` has the compiled rules that can apply to one topic. It never changes. A reload makes a new rule
/// set, whose plans replace the old ones.
pub struct Plan {
    pub(crate) topic: TopicName,
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
    /// The rule with this number finds something in the topic's own name.
    pub(crate) topic_hit: Option<usize>,
}

impl Plan {
    pub(crate) fn build(
        topic: &TopicName,
        rules: Vec<(Arc<Rule>, Mode)>,
        shared: Arc<SharedParts>,
    ) -> Plan {
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
        let mut plan = Plan {
            topic: topic.clone(),
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
            topic_hit: None,
            fast_path: None,
            shared,
            rules,
        };
        plan.topic_hit = plan.rule_that_finds_topic();
        plan.fast_path = FastPathPlan::of(&plan.rules, &plan.sets, &plan.finder);
        plan
    }

    fn rule_that_finds_topic(&self) -> Option<usize> {
        let mut scratch = FindScratch::default();
        self.finder.find("", self.topic.as_str(), u64::MAX, &mut scratch);
        let rules = scratch.hits.iter().flat_map(|hit| self.wanted[hit.detector].iter());
        rules
            .filter(|n| match &self.rules[*n].rule.kind {
                RuleKind::Find(find) => find.in_topic && self.rules[*n].mode == Mode::Enforce,
                _ => false,
            })
            .min()
    }

    /// Returns whether a rule finds something in the topic's own name. Such a topic takes no events.
    #[must_use]
    pub fn refuses_topic(&self) -> bool {
        self.topic_hit.is_some()
    }

    /// Returns whether no rule applies to the topic. Then the scrub need not be called.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Returns the name of a rule. `rule` is its number in this plan, as [`RuleCount`](crate::RuleCount)
    /// has it.
    #[must_use]
    pub fn rule_name(&self, rule: usize) -> &str {
        self.rules.get(rule).map_or("", |planned| &planned.rule.name)
    }

    /// Returns the name of the action of a rule.
    #[must_use]
    pub fn action_name(&self, rule: usize) -> &'static str {
        self.rules.get(rule).map_or("", |planned| planned.rule.action.name())
    }

    /// Returns how many rules the plan has. The number of every rule is below this number.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
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

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plan({}, {} rules)", self.topic, self.rules.len())
    }
}
