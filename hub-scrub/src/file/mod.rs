//! The rule file: its format, and how it becomes a checked rule set.
//!
//! This floor imports the floors below it, and none of them imports it. So the format can change without the
//! engine.

mod action;
mod check;
mod detector;
mod error;
mod load;
mod load_rule;
mod message;
mod near_names;
mod pack;
mod packs;
mod raw;
mod words;

pub use error::{RuleError, RuleErrors};
