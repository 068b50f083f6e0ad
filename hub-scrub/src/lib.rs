//! The scrub: what the rules of a rule file do to an event before anyone else sees it.
//!
//! A rule file is read into a [`RuleSet`], checked, and tested by the tests it carries. Of it
//! comes a [`Plan`] for each topic, and the plan gives a [`Verdict`] on each event. `docs/scrub.md`
//! is the reference for those who write rules.

mod action;
mod bits;
mod condition;
mod describe;
pub mod detect;
mod engine;
mod explain;
mod find;
mod keys;
mod names;
mod path;
mod plan;
mod rule;
mod schema;
mod scrubber;
mod shape;
mod token;

pub use {
    engine::{
        Fixed, Quarantine, QuarantineReason, Refusal, RuleCount, Scratch, ShadowSample, Verdict,
    },
    keys::{KeyOrigin, KeySource, SystemKeys},
    plan::Plan,
    rule::{Budget, Revealed, RuleError, RuleErrors, RuleSet, Type, ViewId},
    scrubber::{Scrubber, ScrubberEvent, ScrubberOutcome},
};
