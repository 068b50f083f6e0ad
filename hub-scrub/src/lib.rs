//! The scrub: what the rules of a rule file do to an event before anyone else sees it.
//!
//! A rule file is read into a [`RuleSet`], checked, and tested by the tests it carries. Of it
//! comes a [`Plan`] for each topic, and the plan gives a [`Verdict`] on each event. `docs/scrub.md`
//! is the reference for those who write rules.
//!
//! The floors, from the ground up; each imports only those below it:
//!
//! - `model`: types, actions, structure, keys; one value of a message
//! - [`detect`]: where in a text something sensitive stands
//! - `matching`: paths, names of keys, conditions, schemas
//! - `plan`: the rules for one topic
//! - `engine`: a plan at work on an event
//! - `file`: the rule file, read, checked and tested
//! - `report`: a plan, and what quarantine shows, for people and programs

pub mod detect;
mod engine;
mod file;
mod matching;
mod model;
mod plan;
mod report;

pub use {
    engine::{
        FixedEvent, Quarantine, QuarantineReason, RuleCount, RuleRefusal, Scratch, ShadowSample,
        Verdict,
    },
    file::{RuleError, RuleErrors},
    model::{
        Budget, KeyOrigin, KeySource, Scrubber, ScrubberEvent, ScrubberOutcome, SystemKeys, Type,
        ViewId,
    },
    plan::{Plan, Revealed, RuleSet},
};
