//! A plan has the rules for one topic.
//!
//! Without it, the engine would have to choose from all rules of a file for each message.

use super::compiled_rules::CompiledRules;
use super::rule::{Rule, RuleKind, SharedParts};
use crate::matching::FindScratch;
use crate::model::Mode;
use hub_wire::TopicName;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A `Plan` has the compiled rules that can apply to one topic. It never changes. A reload makes a new rule
/// set, whose plans replace the old ones.
pub struct Plan {
    pub(crate) topic: TopicName,
    compiled: Arc<CompiledRules>,
    /// The rule with this number finds something in the topic's own name.
    pub(crate) topic_hit: Option<usize>,
}

/// The engine reads the compiled rules as if each topic had its own.
impl Deref for Plan {
    type Target = CompiledRules;

    fn deref(&self) -> &CompiledRules {
        &self.compiled
    }
}

impl Plan {
    pub(crate) fn build(
        topic: &TopicName,
        rules: Vec<(Arc<Rule>, Mode)>,
        shared: Arc<SharedParts>,
    ) -> Plan {
        Plan::of(topic, Arc::new(CompiledRules::new(rules, shared)))
    }

    /// Returns the plan for a topic to which these rules apply.
    pub(super) fn of(topic: &TopicName, compiled: Arc<CompiledRules>) -> Plan {
        let mut plan = Plan { topic: topic.clone(), compiled, topic_hit: None };
        plan.topic_hit = plan.rule_that_finds_topic();
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

    /// Takes the fast path away from a plan whose rules no other plan shares. Returns whether there was one.
    #[cfg(test)]
    pub(crate) fn without_fast_path(&mut self) -> bool {
        Arc::get_mut(&mut self.compiled).is_some_and(|rules| rules.fast_path.take().is_some())
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
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plan({}, {} rules)", self.topic, self.rules.len())
    }
}
