//! Holds the scrub rules in force. A reload replaces them as a whole, so that an event is scrubbed,
//! shown and remembered under the rules of one file.

use super::access::Identity;
use super::shadow_samples::ShadowSamples;
use hub_core::topic::ViewResolver;
use hub_scrub::{Plan, RuleSet};
use hub_wire::TopicName;
use parking_lot::RwLock;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Holds the rules of one loaded file. Each event is scrubbed, shown and remembered under the rules
/// of exactly one file.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    set: Option<RuleSet>,
    /// Logs what rules in shadow mode would do.
    pub samples: ShadowSamples,
    /// This number is different each time rules come into force.
    pub generation: u64,
}

impl Rules {
    /// Returns the rules of the file, or `None` if the hub has no rule file.
    pub(crate) fn set(&self) -> Option<&RuleSet> {
        self.set.as_ref()
    }

    /// Returns the name of a topic for people. The result is `*` if a rule finds something in the
    /// name.
    pub(crate) fn shown<'a>(&self, topic: &'a TopicName) -> &'a str {
        match self.set.as_ref().is_some_and(|set| set.hides_topic(topic)) {
            true => "*",
            false => topic.as_str(),
        }
    }

    /// Returns the plan for a topic, or `None` if no rule can apply to the topic.
    pub(crate) fn plan(&self, topic: &TopicName) -> Option<Arc<Plan>> {
        let plan = self.set.as_ref()?.plan(topic);
        (!plan.is_empty()).then_some(plan)
    }
}

/// Clients without credentials have this role.
const ANONYMOUS: &str = "anonymous";

/// Returns the text by which topics know the view of a client: the view that the client's roles
/// name, or otherwise the first of these roles. A view and a role may have equal names, so the text
/// begins with the kind of the name.
pub(crate) fn viewer(identity: &Identity) -> String {
    match identity.view() {
        Some(view) => format!("view:{view}"),
        None if identity.is_anonymous() => format!("role:{ANONYMOUS}"),
        None => format!("role:{}", identity.roles().next().unwrap_or_default()),
    }
}

impl ViewResolver for Rules {
    fn view_of(&self, viewer: &str) -> usize {
        let Some(set) = &self.set else { return 0 };
        let view = match viewer.split_once(':') {
            Some(("view", name)) => set.view(name),
            Some(("role", name)) => Some(set.view_of_role(name)),
            _ => None,
        };
        view.unwrap_or_default().index()
    }

    fn views(&self) -> usize {
        self.set.as_ref().map_or(1, RuleSet::views)
    }
}

/// Holds the rules in force, which sessions read and a reload replaces.
#[derive(Debug, Default)]
pub(crate) struct RulesInForce {
    current: RwLock<Arc<Rules>>,
    generation: AtomicU64,
}

impl RulesInForce {
    pub(crate) fn current(&self) -> Arc<Rules> {
        self.current.read().clone()
    }

    /// Returns the generation of [`RulesInForce::current`] without taking a lock.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub(crate) fn replace(&self, set: RuleSet) {
        let mut current = self.current.write();
        let generation = current.generation + 1;
        *current = Arc::new(Rules { set: Some(set), generation, ..Rules::default() });
        self.generation.store(generation, Ordering::Release);
    }
}
