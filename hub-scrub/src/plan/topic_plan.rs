//! A plan: the rules for one topic, arranged so that the engine asks each question once.
//!
//! Without it the engine would choose among all rules of a file for each message anew.

use super::fast_path::Glance;
use super::rule::{Find, Rule, RuleKind, SharedParts};
use super::rule_groups::{Planned, Sets};
use crate::matching::{FindScratch, Finder, MAX_KEY_NAME, Names, PathSet, Step, fold_key};
use crate::model::{Action, Mode, RuleBits, Type};
use hub_wire::TopicName;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The rules that can apply to one topic, compiled. It belongs to the rule set it was made from,
/// and never changes.
pub struct Plan {
    pub(crate) topic: TopicName,
    pub(crate) rules: Vec<Planned>,
    pub(crate) shared: Arc<SharedParts>,
    pub(crate) paths: PathSet,
    keys: Names<RuleBits>,
    /// Rules that name paths, and rules that name keys.
    with_paths: RuleBits,
    with_keys: RuleBits,
    /// Rules that a value of each type can concern.
    types: [RuleBits; 9],
    pub(crate) sets: Sets,
    pub(crate) finder: Arc<Finder>,
    /// The detectors of the finder, and for each the rules that want it.
    pub(crate) detectors: Vec<usize>,
    pub(crate) wanted: Vec<RuleBits>,
    /// How to tell quickly that a message is clean, where that is possible.
    pub(crate) glance: Option<Glance>,
    /// For each view, the action of each rule.
    pub(crate) actions: Vec<Vec<Action>>,
    /// The rule that the topic's own name falls under.
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
            glance: None,
            shared,
            rules,
        };
        plan.topic_hit = plan.look_at_topic();
        plan.glance = Glance::of(&plan.rules, &plan.sets, &plan.finder);
        plan
    }

    fn look_at_topic(&self) -> Option<usize> {
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

    /// Whether a rule finds something in the topic's own name, so that it takes no events.
    #[must_use]
    pub fn refuses_topic(&self) -> bool {
        self.topic_hit.is_some()
    }

    /// Whether no rule applies to the topic; then the scrub need not be called.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The name of a rule, by the number that counts and verdicts give.
    #[must_use]
    pub fn rule_name(&self, rule: usize) -> &str {
        self.rules.get(rule).map_or("", |planned| &planned.rule.name)
    }

    /// The name of a rule's action.
    #[must_use]
    pub fn action_name(&self, rule: usize) -> &'static str {
        self.rules.get(rule).map_or("", |planned| planned.rule.action.name())
    }

    /// How many rules it has; their numbers are those below.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// What is done one after the other, and the rules that it concerns.
    pub(crate) fn stages(&self) -> [(&'static str, RuleBits); 3] {
        let whole = self.sets.schemas | self.sets.conditions;
        [("scrubbers", self.sets.scrubbers), ("message", whole), ("values", self.sets.walking)]
    }

    /// Rules that name this key, alone or with others.
    pub(crate) fn key(&self, key: &[u8]) -> RuleBits {
        if !self.keys.may_have(key) {
            return RuleBits::NONE;
        }
        let mut buffer = [0; MAX_KEY_NAME];
        let folded = fold_key(key, &mut buffer);
        folded.and_then(|key| self.keys.get(key)).unwrap_or_default()
    }

    /// Whether a rule names this key, so that it may be told.
    pub(crate) fn names(&self, key: &[u8]) -> bool {
        matches!(self.paths.atom(key), Step::Atom(_)) || !self.key(key).is_empty()
    }

    /// Rules that a value can concern which has this type, these paths and these key names.
    pub(crate) fn located(&self, kind: Type, paths: RuleBits, keys: RuleBits) -> RuleBits {
        self.types[kind as usize] & (paths | !self.with_paths) & (keys | !self.with_keys)
    }

    /// Rules that can find something where these paths and key names are, whatever the type.
    pub(crate) fn located_key(&self, paths: RuleBits, keys: RuleBits) -> RuleBits {
        (paths | !self.with_paths) & (keys | !self.with_keys)
    }

    /// Rules that name a path; others look at headers, too.
    pub(crate) fn with_paths(&self) -> RuleBits {
        self.with_paths
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plan({}, {} rules)", self.topic, self.rules.len())
    }
}
