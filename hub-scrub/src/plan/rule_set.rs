//! A rule set has the rules of one file. The plan of each topic is compiled from it.
//!
//! A rule set never changes. So the plans of an old set stay valid while a reload creates a new set.

use super::rule::{Rule, RuleKind, SharedParts};
use super::topic_plan::Plan;
use crate::model::ViewId;
use crate::model::mark::{OpenedMark, open};
use hub_wire::TopicName;
use std::fmt;
use std::sync::Arc;

/// A `RuleSet` is a checked rule file. It never changes. A reload creates a new rule set.
pub struct RuleSet {
    pub(crate) rules: Vec<Arc<Rule>>,
    pub(crate) shared: Arc<SharedParts>,
}

/// `Revealed` is the content of a pseudonym or a sealed value.
#[derive(Clone, PartialEq, Eq)]
pub enum Revealed {
    /// The content is this text.
    Text(String),
    /// The content is this MessagePack value.
    Value(Vec<u8>),
}

impl fmt::Debug for Revealed {
    /// Writes the name of the type, and nothing of the content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Revealed")
    }
}

impl RuleSet {
    /// Compiles the plan for a topic. The plan has only the rules that can apply to the topic. Compile it
    /// once for each topic, and again after a reload.
    #[must_use]
    pub fn plan(&self, topic: &TopicName) -> Arc<Plan> {
        let applies = |rule: &&Arc<Rule>| rule.topics.iter().any(|filter| filter.matches(topic));
        let rules = self.rules.iter().filter(applies).map(|rule| (rule.clone(), rule.mode));
        Arc::new(Plan::build(topic, rules.collect(), self.shared.clone()))
    }

    /// Returns whether any rule checks the names of topics.
    #[must_use]
    pub fn checks_topics(&self) -> bool {
        let in_topic = |rule: &Arc<Rule>| match &rule.kind {
            RuleKind::Find(find) => find.in_topic,
            _ => false,
        };
        self.rules.iter().any(in_topic)
    }

    /// Returns the view of a role. A role that no view names gets the default view.
    #[must_use]
    pub fn view_of_role(&self, role: &str) -> ViewId {
        self.shared.views.of_role(role)
    }

    /// Returns how many views there are. The default view counts as one.
    #[must_use]
    pub fn views(&self) -> usize {
        self.shared.views.all().len()
    }

    /// Returns the view with this name, or `None` if there is none.
    #[must_use]
    pub fn view(&self, name: &str) -> Option<ViewId> {
        self.shared.views.named(name)
    }

    /// Opens the pseudonym or the sealed value `mark`. Returns `None` if `mark` is neither of them under a
    /// key of this set. The caller has to check that the reader may see the content.
    #[must_use]
    pub fn reveal(&self, mark: &str) -> Option<Revealed> {
        Some(match open(mark, &self.shared.keys)? {
            OpenedMark::Text(text) => Revealed::Text(text),
            OpenedMark::Value(value) => Revealed::Value(value),
        })
    }

    /// Returns the names and the labels of the rules, in the order of the file.
    pub fn rules(&self) -> impl Iterator<Item = (&str, &str)> {
        self.rules.iter().map(|rule| (&*rule.name, &*rule.label))
    }
}

impl fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.rules.iter().map(|rule| &rule.name)).finish()
    }
}
