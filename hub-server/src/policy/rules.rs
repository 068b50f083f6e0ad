//! The scrub's rules in force. Sessions find them here, and a reload replaces them as a whole: an event
//! is scrubbed, shown and remembered under the rules of one file alone.

use super::access::Identity;
use super::shadow_samples::ShadowSamples;
use dashmap::DashMap;
use hub_core::topic::ViewResolver;
use hub_scrub::{Plan, RuleSet};
use hub_wire::TopicName;
use parking_lot::RwLock;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// One rule file, loaded. Each event is scrubbed, shown and remembered under one of these alone.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    set: Option<RuleSet>,
    plans: DashMap<TopicName, Arc<Plan>>,
    /// What its rules in shadow would do, for the log.
    pub samples: ShadowSamples,
    /// Another one for each time that rules came into force.
    pub generation: u64,
}

/// Plans that are kept; beyond them, sessions make their own.
const MAX_PLANS: usize = 1 << 16;

impl Rules {
    /// A topic's name as people may see it: `*` if a rule finds something in it.
    pub(crate) fn shown<'a>(&self, topic: &'a TopicName) -> &'a str {
        let looks = self.set.as_ref().is_some_and(RuleSet::looks_at_topics);
        let hidden =
            || self.plan(topic).is_some_and(|plan| plan.topic_for_logs() != topic.as_str());
        if looks && hidden() { "*" } else { topic.as_str() }
    }

    /// The plan for a topic, if a rule can apply to it.
    pub(crate) fn plan(&self, topic: &TopicName) -> Option<Arc<Plan>> {
        let set = self.set.as_ref()?;
        if let Some(plan) = self.plans.get(topic) {
            return (!plan.is_empty()).then(|| plan.clone());
        }
        let plan = set.plan(topic);
        if self.plans.len() < MAX_PLANS {
            self.plans.insert(topic.clone(), plan.clone());
        }
        (!plan.is_empty()).then_some(plan)
    }
}

/// The role of clients without credentials.
const ANONYMOUS: &str = "anonymous";

/// What topics know a client's view by: the view that its roles name, or else its first role. A
/// view and a role may have the same name, so it begins with the kind of name that follows.
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

/// Where sessions find the rules, and where a reload puts others.
#[derive(Debug, Default)]
pub(crate) struct RulesInForce {
    current: RwLock<Arc<Rules>>,
    generation: AtomicU64,
}

impl RulesInForce {
    pub(crate) fn current(&self) -> Arc<Rules> {
        self.current.read().clone()
    }

    /// The generation of [`RulesInForce::current`], without a lock.
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
