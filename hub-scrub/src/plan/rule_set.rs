//! A rule set has the rules of one file. The plan of each topic is compiled from it.
//!
//! A rule set never changes. So the plans of an old set stay valid while a reload creates a new set.

use super::compiled_rules::CompiledRules;
use super::rule::{Rule, SharedParts};
use super::topic_plan::Plan;
use crate::model::ViewId;
use crate::model::mark::{OpenedMark, open};
use hub_wire::TopicName;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A `RuleSet` is a checked rule file. It never changes. A reload creates a new rule set.
pub struct RuleSet {
    pub(crate) rules: Vec<Arc<Rule>>,
    pub(crate) shared: Arc<SharedParts>,
    compiled: Mutex<Compiled>,
}

/// Holds compiled rules by the numbers of the rules.
type Compiled = HashMap<Box<[usize]>, Arc<CompiledRules>>;

/// At most this many combinations of rules are kept compiled. There are few in practice, because a combination
/// follows from the filters of the rules, however many topics there are. Any further combination is compiled
/// each time it is asked for.
const MAX_COMPILED: usize = 1024;

/// A thread that panicked left the map as it was, because it changes in one step.
fn lock(compiled: &Mutex<Compiled>) -> MutexGuard<'_, Compiled> {
    compiled.lock().unwrap_or_else(PoisonError::into_inner)
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
    pub(crate) fn new(rules: Vec<Arc<Rule>>, shared: Arc<SharedParts>) -> RuleSet {
        RuleSet { rules, shared, compiled: Mutex::default() }
    }

    /// Returns the plan for a topic, which has only the rules that can apply to the topic. A plan is small.
    /// The topics to which the same rules apply share them, and they are compiled for the first of these
    /// topics.
    #[must_use]
    pub fn plan(&self, topic: &TopicName) -> Arc<Plan> {
        let numbers = (0..self.rules.len()).filter(|n| self.rules[*n].applies_to(topic));
        Arc::new(self.plan_of(topic, numbers))
    }

    /// Returns the plan for a topic with the rules of these numbers alone.
    pub(crate) fn plan_of(&self, topic: &TopicName, rules: impl Iterator<Item = usize>) -> Plan {
        Plan::of(topic, self.compiled(rules.collect()))
    }

    /// Returns the compiled rules with these numbers.
    fn compiled(&self, numbers: Box<[usize]>) -> Arc<CompiledRules> {
        let known = |compiled: &Compiled| compiled.get(&numbers).cloned();
        if let Some(compiled) = known(&lock(&self.compiled)) {
            return compiled;
        }
        // Others may get plans meanwhile, because this can take milliseconds.
        let rules = numbers.iter().map(|n| (self.rules[*n].clone(), self.rules[*n].mode));
        let compiled = Arc::new(CompiledRules::new(rules.collect(), self.shared.clone()));
        let mut known = lock(&self.compiled);
        if known.len() < MAX_COMPILED {
            known.insert(numbers, compiled.clone());
        }
        compiled
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

    /// Returns the names of the views. The default view comes first.
    pub fn view_names(&self) -> impl Iterator<Item = &str> {
        self.shared.views.all().iter().map(|view| &*view.name)
    }

    /// Returns each view that is for a role, with the name of that role.
    pub fn view_roles(&self) -> impl Iterator<Item = (&str, &str)> {
        let views = self.shared.views.all().iter();
        views.flat_map(|view| view.roles.iter().map(|role| (&*view.name, role.as_str())))
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
