//! The rule file: its format, and the way from it to a checked set of rules.
//!
//! This floor imports those below. None of them imports it, so that the format can change without
//! the engine.

mod action;
mod check;
mod detector;
mod error;
mod load;
mod load_rule;
mod message;
mod packs;
mod raw;
mod words;

pub use error::{RuleError, RuleErrors};
