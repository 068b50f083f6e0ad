//! Plans: the rules of a file, and those of them that apply to one topic.
//!
//! This floor imports the floors below it: `matching`, `detect` and `model`. Without it the engine would run
//! rule by rule, and each message would cost as much as there are rules.

mod fast_path;
mod rule;
mod rule_groups;
mod rule_set;
mod topic_plan;

pub(crate) use fast_path::Glance;
pub(crate) use rule::{Find, Rule, RuleKind, SharedParts};
pub(crate) use rule_groups::Planned;
pub use rule_set::{Revealed, RuleSet};
pub use topic_plan::Plan;
