//! A rule set: the rules of one file, from which the plan of each topic is made.
//!
//! It never changes, so that plans of an old set go on working while a reload makes another one.

use super::rule::{Rule, RuleKind, SharedParts};
use super::topic_plan::Plan;
use crate::model::ViewId;
use crate::model::mark::{OpenedMark, open};
use hub_wire::TopicName;
use std::fmt;
use std::sync::Arc;

/// A checked rule file. It never changes; a reload makes another one.
pub struct RuleSet {
    pub(crate) rules: Vec<Arc<Rule>>,
    pub(crate) shared: Arc<SharedParts>,
}

/// What a token stood for.
#[derive(Clone, PartialEq, Eq)]
pub enum Revealed {
    /// This text.
    Text(String),
    /// This MessagePack value.
    Value(Vec<u8>),
}

impl fmt::Debug for Revealed {
    /// Without the content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Revealed")
    }
}

impl RuleSet {
    /// The plan for a topic: only the rules that can apply to it. Make it once for a topic, and
    /// anew after a reload.
    #[must_use]
    pub fn plan(&self, topic: &TopicName) -> Arc<Plan> {
        let applies = |rule: &&Arc<Rule>| rule.topics.iter().any(|filter| filter.matches(topic));
        let rules = self.rules.iter().filter(applies).map(|rule| (rule.clone(), rule.mode));
        Arc::new(Plan::build(topic, rules.collect(), self.shared.clone()))
    }

    /// Whether a rule looks at the names of topics.
    #[must_use]
    pub fn looks_at_topics(&self) -> bool {
        let in_topic = |rule: &Arc<Rule>| match &rule.kind {
            RuleKind::Find(find) => find.in_topic,
            _ => false,
        };
        self.rules.iter().any(in_topic)
    }

    /// The view of a role: the default view, in which every rule acts as it says, for a role that
    /// no view names.
    #[must_use]
    pub fn view_of_role(&self, role: &str) -> ViewId {
        self.shared.views.of_role(role)
    }

    /// How many views there are, the default view included.
    #[must_use]
    pub fn views(&self) -> usize {
        self.shared.views.all().len()
    }

    /// The view of that name.
    #[must_use]
    pub fn view(&self, name: &str) -> Option<ViewId> {
        self.shared.views.named(name)
    }

    /// What the token or sealed value `mark` holds. For those who may see it; the caller checks.
    #[must_use]
    pub fn reveal(&self, mark: &str) -> Option<Revealed> {
        Some(match open(mark, &self.shared.keys)? {
            OpenedMark::Text(text) => Revealed::Text(text),
            OpenedMark::Value(value) => Revealed::Value(value),
        })
    }

    /// Names and labels of the rules, in the order of the file.
    pub fn rules(&self) -> impl Iterator<Item = (&str, &str)> {
        self.rules.iter().map(|rule| (&*rule.name, &*rule.label))
    }
}

impl fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.rules.iter().map(|rule| &rule.name)).finish()
    }
}
