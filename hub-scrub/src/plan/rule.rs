//! A checked rule, and what the rules of one file have in common.
//!
//! Without these types, each plan would have to read the rule file again.

use crate::matching::{Condition, Detectors, PathPattern, Schema};
use crate::model::{Action, Budget, Keys, Mode, Scrubber, Structure, Type, Views};
use hub_wire::TopicFilter;
use std::sync::Arc;

/// What all plans of a rule set use.
pub(crate) struct SharedParts {
    pub(crate) detectors: Detectors,
    pub(crate) keys: Keys,
    pub(crate) views: Views,
    pub(crate) budget: Budget,
}

/// One rule of a rule file.
pub(crate) struct Rule {
    pub(crate) name: Arc<str>,
    pub(crate) label: Arc<str>,
    pub(crate) topics: Vec<TopicFilter>,
    pub(crate) mode: Mode,
    pub(crate) kind: RuleKind,
    pub(crate) condition: Option<Condition>,
    pub(crate) action: Action,
}

/// What a rule searches for.
pub(crate) enum RuleKind {
    Find(Find),
    Structure(Structure),
    Schema(Schema),
    Scrubber(Arc<dyn Scrubber>),
    /// The rule has only a condition, which decides about the message as a whole.
    Condition,
}

/// What a rule searches for in keys and values. A value is found if it meets everything that is set
/// here.
#[derive(Debug, Default)]
pub(crate) struct Find {
    pub(crate) paths: Vec<PathPattern>,
    /// The names of keys, folded by [`fold_key`].
    pub(crate) keys: Vec<Box<str>>,
    pub(crate) types: Vec<Type>,
    /// The numbers of the detectors in [`SharedParts::detectors`].
    pub(crate) detectors: Vec<usize>,
    pub(crate) in_values: bool,
    pub(crate) in_keys: bool,
    pub(crate) in_headers: bool,
    pub(crate) in_topic: bool,
}
