//! This floor compiles what rules search for: paths, names of keys, conditions, schemas and detectors.
//!
//! It imports only `model` and `detect`. Without it, plan and engine would have to compile these parts
//! again for each topic and each message.

#[cfg(feature = "cel")]
pub(crate) mod condition;
#[cfg(not(feature = "cel"))]
#[path = "condition/absent.rs"]
pub(crate) mod condition;
mod detectors;
mod key_name;
mod names;
mod path_pattern;
mod path_set;
mod schema;

pub(crate) use condition::{Condition, Inputs};
pub(crate) use detectors::{DetectorHit, Detectors, FindScratch, Finder, key_as_text};
pub(crate) use key_name::{MAX_KEY_NAME, fold_key};
pub(crate) use names::{NameFilter, Names};
pub(crate) use path_pattern::PathPattern;
pub(crate) use path_set::{PathSet, Step};
pub(crate) use schema::{Schema, to_json};
