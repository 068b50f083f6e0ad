//! Values that look like personal data or secrets and are none, in the forms in which real systems write them.
//!
//! A pack that masks an order number destroys data, and nobody can bring it back. Recall alone would reward such
//! a pack. This corpus says what has to stay, and [`Scrub`] counts how often it does not.
//!
//! A [`Shape`] declares one form of values: its name, the keys under which such values usually come, and a
//! generator. Each value becomes three documents ([`surroundings`]): alone under a key, inside of an event, and
//! inside of a line of text. A seed tells the whole corpus, so no file of documents has to be kept.
//!
//! The shapes are sorted by theme:
//!
//! - [`identifiers`], [`digests`], [`platforms`]: what machines name things with
//! - [`times`], [`numbers`], [`trade`]: what is counted, measured, sold and sent
//! - [`names`], [`text`], [`logs`]: addresses that are no addresses, code, and what programs write
//! - [`keys`]: keys that sound like secrets and persons

#![allow(clippy::unwrap_used, reason = "a tool for tests says so where it fails")]
#![allow(unreachable_pub, reason = "the test and the example both have it as a module")]

mod digests;
mod identifiers;
mod keys;
mod logs;
pub mod measure;
mod names;
mod numbers;
mod platforms;
mod random;
mod scrub;
mod shape;
mod surroundings;
mod text;
mod times;
mod trade;
mod wire;

pub use scrub::Scrub;
pub use shape::Bound;
#[allow(unused_imports, reason = "the test uses them, and the example does not")]
pub use {random::Random, shape::Shape};

/// Returns all shapes.
pub fn shapes() -> impl Iterator<Item = &'static Shape> {
    let themes = [
        identifiers::SHAPES,
        digests::SHAPES,
        platforms::SHAPES,
        times::SHAPES,
        numbers::SHAPES,
        trade::SHAPES,
        names::SHAPES,
        text::SHAPES,
        logs::SHAPES,
        keys::SHAPES,
    ];
    themes.into_iter().flatten()
}
