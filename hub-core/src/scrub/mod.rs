//! What the hub checks before anyone else sees it: headers, and with the feature `scrub` the
//! rules of a rule file.
//!
//! A rule file is read into a [`RuleSet`], checked, and tested by the tests it carries. Of it
//! comes a [`Plan`] for each topic, and the plan gives a [`Verdict`] on each event. `docs/scrub.md`
//! is the reference for those who write rules.

#[cfg(feature = "scrub")]
pub mod detect;
mod headers;

#[cfg(feature = "scrub")]
mod action;
#[cfg(feature = "scrub")]
mod bits;
#[cfg(feature = "cel")]
mod condition;
#[cfg(all(feature = "scrub", not(feature = "cel")))]
#[path = "condition/absent.rs"]
mod condition;
#[cfg(feature = "scrub")]
mod describe;
#[cfg(feature = "scrub")]
mod engine;
#[cfg(feature = "scrub")]
mod explain;
#[cfg(feature = "scrub")]
mod find;
#[cfg(feature = "scrub")]
mod keys;
#[cfg(feature = "scrub")]
mod names;
#[cfg(feature = "scrub")]
mod path;
#[cfg(feature = "scrub")]
mod plan;
#[cfg(feature = "scrub")]
mod rule;
#[cfg(feature = "scrub")]
mod schema;
#[cfg(feature = "scrub")]
mod scrubber;
#[cfg(feature = "scrub")]
mod shape;
#[cfg(feature = "scrub")]
mod token;

pub use headers::*;

#[cfg(feature = "scrub")]
pub use {
    engine::{
        Fixed, Quarantine, QuarantineReason, Refusal, RuleCount, Scratch, ShadowSample, Verdict,
    },
    keys::{KeyOrigin, KeySource, SystemKeys},
    plan::Plan,
    rule::{Budget, Revealed, RuleError, RuleErrors, RuleSet, Type, ViewId},
    scrubber::{Scrubber, ScrubberEvent, ScrubberOutcome},
};
