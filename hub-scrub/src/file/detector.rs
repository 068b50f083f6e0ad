//! Reads a user's detector from the words of a rule file.
//!
//! Without these checks, a detector that states nothing, or two things at once, would be compiled to one that
//! its author did not intend.

use super::near_names::unknown;
use super::raw;
use crate::detect::{BuiltIn, Check, Confidence, DetectorSpec, Except, Find, Near};

/// Checks a detector. The error says what is wrong with it.
pub(super) fn check(rules: raw::Detector) -> Result<DetectorSpec, String> {
    let find = match (rules.pattern, &rules.built_in) {
        (Some(pattern), None) => {
            let named = |name: String| {
                let checks = Check::ALL.iter().map(|(name, _)| *name);
                name.parse::<Check>().map_err(|()| unknown("check", &name, checks))
            };
            Find::Pattern {
                pattern,
                literals: rules.literals,
                check: rules.check.map(named).transpose()?,
            }
        }
        (None, Some(name)) => {
            if !rules.literals.is_empty() || rules.check.is_some() {
                return Err("`literals` and `check` are for patterns".into());
            }
            let detectors = BuiltIn::ALL.iter().map(|kind| kind.name());
            Find::BuiltIn(name.parse().map_err(|()| unknown("detector", name, detectors))?)
        }
        _ => return Err("say either `pattern` or `built_in`".into()),
    };
    // All matches of a pattern are certain, so its words are required unless the file states
    // otherwise.
    let required = matches!(find, Find::Pattern { .. });
    let near = rules.near.map(|near| Near {
        words: near.words,
        within: near.within.unwrap_or(Near::BUILT_IN),
        required: near.required.unwrap_or(required),
    });
    let except = rules.except.unwrap_or_default();
    let except = Except { literals: except.literals, patterns: except.patterns };
    Ok(DetectorSpec { find, near, except, from: Confidence::Likely })
}
