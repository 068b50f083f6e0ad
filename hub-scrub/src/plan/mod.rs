//! This floor has the rules of a file, and compiles the rules that apply to one topic into a plan.
//!
//! It imports the floors below it: `matching`, `detect` and `model`. Without it, the engine would run
//! rule by rule, and the cost of each message would grow with the number of rules.

mod compiled_rules;
mod fast_path;
mod rule;
mod rule_groups;
mod rule_set;
mod topic_plan;

pub use compiled_rules::CompiledRules;
pub(crate) use fast_path::FastPathPlan;
pub(crate) use rule::{Find, Rule, RuleKind, SharedParts};
pub(crate) use rule_groups::Planned;
pub use rule_set::{Revealed, RuleSet};
pub use topic_plan::Plan;
