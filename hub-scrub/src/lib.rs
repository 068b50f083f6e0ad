//! The scrub: it applies the rules of a rule file to an event before any subscriber gets the event.
//!
//! A [`RuleSet`] is a rule file that was read, checked and tested. It compiles a [`Plan`] for each topic, and
//! the plan gives a [`Verdict`] on each event. `docs/scrub.md` is the reference for authors of rules.
//!
//! The floors, from the lowest to the highest. Each imports only those below it:
//!
//! - `model`: types, actions, structure, keys; one value of a message
//! - [`detect`]: finds sensitive parts of a text
//! - `matching`: paths, names of keys, conditions, schemas
//! - `plan`: the rules for one topic
//! - `engine`: runs a plan over an event
//! - `file`: the rule file, read, checked and tested
//! - `report`: describes a plan, and what is shown of a quarantined event

pub mod detect;
mod engine;
mod file;
mod matching;
mod model;
mod plan;
mod report;

pub use {
    engine::{
        FindReport, FixedEvent, Quarantine, QuarantineReason, RuleCount, RuleRefusal, Scratch,
        ShadowSample, Verdict,
    },
    file::{RuleError, RuleErrors},
    model::{
        Budget, KeyOrigin, KeySource, Scrubber, ScrubberEvent, ScrubberOutcome, SystemKeys, Type,
        ViewId,
    },
    plan::{CompiledRules, Plan, Revealed, RuleSet},
};
