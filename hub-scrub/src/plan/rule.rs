//! This module has the type of a checked rule, and the parts that all rules of one file share.
//!
//! Without these types, each plan would have to read the rule file again.

use crate::detect::KeyKind;
use crate::matching::{Condition, Detectors, PathPattern, Schema};
use crate::model::{Action, Budget, Keys, Mode, Scrubber, Structure, Type, Views};
use hub_wire::{TopicFilter, TopicName};
use std::sync::Arc;

/// `SharedParts` has the parts of a rule file that all its plans use.
pub(crate) struct SharedParts {
    pub(crate) detectors: Detectors,
    pub(crate) keys: Keys,
    pub(crate) views: Views,
    pub(crate) budget: Budget,
}

/// A `Rule` is one checked rule of a rule file.
pub(crate) struct Rule {
    pub(crate) name: Arc<str>,
    pub(crate) label: Arc<str>,
    /// The rule holds for the topics that match one of these filters.
    pub(crate) topics: Vec<TopicFilter>,
    pub(crate) mode: Mode,
    pub(crate) kind: RuleKind,
    pub(crate) condition: Option<Condition>,
    pub(crate) action: Action,
}

impl Rule {
    /// Returns whether the rule holds for a topic.
    pub(crate) fn applies_to(&self, topic: &TopicName) -> bool {
        self.topics.iter().any(|filter| filter.matches(topic))
    }

    /// Returns whether the rule searches the names of topics too.
    pub(crate) fn checks_topic(&self) -> bool {
        matches!(&self.kind, RuleKind::Find(find) if find.in_topic)
    }
}

/// A `RuleKind` states what a rule searches for.
pub(crate) enum RuleKind {
    Find(Find),
    Structure(Structure),
    Schema(Schema),
    Scrubber(Arc<dyn Scrubber>),
    /// The rule has only a condition, which decides about the message as a whole.
    Condition,
}

/// A `Find` states what a rule searches for in keys and values. A value is found if it fulfils all fields
/// that are set.
#[derive(Debug, Default)]
pub(crate) struct Find {
    pub(crate) paths: Vec<PathPattern>,
    /// The names of keys are in the form that [`fold_key`](crate::matching::fold_key) writes.
    pub(crate) keys: Vec<Box<str>>,
    /// A key is found if it names content of one of these kinds, and so is what is inside of it.
    pub(crate) named: Vec<KeyKind>,
    pub(crate) types: Vec<Type>,
    /// The detectors have these numbers in [`SharedParts::detectors`].
    pub(crate) detectors: Vec<usize>,
    pub(crate) in_values: bool,
    pub(crate) in_keys: bool,
    pub(crate) in_headers: bool,
    pub(crate) in_topic: bool,
}
