//! A rule, checked, and what the rules of one file share.
//!
//! Without these types a plan would have to read the rule file again for each topic.

use crate::matching::{Condition, Detectors, PathPattern, Schema};
use crate::model::{Action, Budget, Keys, Mode, Scrubber, Structure, Type, Views};
use hub_wire::TopicFilter;
use std::sync::Arc;

/// What the plans of a rule set have in common.
pub(crate) struct SharedParts {
    pub(crate) detectors: Detectors,
    pub(crate) keys: Keys,
    pub(crate) views: Views,
    pub(crate) budget: Budget,
}

/// One rule of a file.
pub(crate) struct Rule {
    pub(crate) name: Arc<str>,
    pub(crate) label: Arc<str>,
    pub(crate) topics: Vec<TopicFilter>,
    pub(crate) mode: Mode,
    pub(crate) kind: RuleKind,
    pub(crate) condition: Option<Condition>,
    pub(crate) action: Action,
}

/// What a rule looks for.
pub(crate) enum RuleKind {
    Find(Find),
    Structure(Structure),
    Schema(Schema),
    Scrubber(Arc<dyn Scrubber>),
    /// Its condition alone decides over the message.
    Condition,
}

/// What a rule looks for in keys and values. A value is found if it meets all that is set.
#[derive(Debug, Default)]
pub(crate) struct Find {
    pub(crate) paths: Vec<PathPattern>,
    /// Folded by [`fold_key`].
    pub(crate) keys: Vec<Box<str>>,
    pub(crate) types: Vec<Type>,
    /// Numbers in [`SharedParts::detectors`].
    pub(crate) detectors: Vec<usize>,
    pub(crate) in_values: bool,
    pub(crate) in_keys: bool,
    pub(crate) in_headers: bool,
    pub(crate) in_topic: bool,
}
