//! A shape, and how many of its documents may be changed.

use super::random::Random;
use serde_json::Value;
use std::fmt;

/// A `Shape` declares one form of harmless values.
pub struct Shape {
    /// The name says what the values are.
    pub name: &'static str,
    /// Such values usually come under these keys.
    pub keys: &'static [&'static str],
    make: Make,
    /// The bound says how many of the documents may be changed.
    pub bound: Bound,
}

enum Make {
    Text(fn(&mut Random) -> String),
    Value(fn(&mut Random) -> Value),
}

/// A `Bound` says how many of a shape's documents may be changed.
#[derive(Clone, Copy)]
pub enum Bound {
    /// Fewer than one in 100,000.
    Rare,
    /// This share, because nothing but chance tells some of the values from what has to be found.
    Chance {
        /// At most this share of the documents is changed.
        share: f64,
        /// This is why the share is inherent.
        why: &'static str,
    },
}

impl Bound {
    /// Returns whether `changed` of `documents` documents are within the bound. A share leaves room for
    /// five standard deviations, so that no seed fails by bad luck. The three documents of a value usually change
    /// together, which triples the variance.
    pub fn allows(self, changed: u64, documents: u64) -> bool {
        match self {
            Bound::Rare => changed == 0 || changed * 100_000 < documents,
            Bound::Chance { share, .. } => {
                let mean = share * documents as f64;
                changed as f64 <= mean + 5.0 * (3.0 * mean).sqrt() + 3.0
            }
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bound::Rare => f.write_str("fewer than one in 100,000"),
            Bound::Chance { share, why } => write!(f, "at most {share}, because {why}"),
        }
    }
}

impl Shape {
    /// Declares values that are text.
    pub const fn text(
        name: &'static str,
        keys: &'static [&'static str],
        make: fn(&mut Random) -> String,
    ) -> Shape {
        Shape { name, keys, make: Make::Text(make), bound: Bound::Rare }
    }

    /// Declares values of any type. An ext has the form in which the command line shows it.
    pub const fn value(
        name: &'static str,
        keys: &'static [&'static str],
        make: fn(&mut Random) -> Value,
    ) -> Shape {
        Shape { name, keys, make: Make::Value(make), bound: Bound::Rare }
    }

    /// Lets chance change a share of the documents, and says why.
    pub const fn by_chance(self, share: f64, why: &'static str) -> Shape {
        Shape { bound: Bound::Chance { share, why }, ..self }
    }

    /// Draws a value.
    pub fn draw(&self, random: &mut Random) -> Value {
        match self.make {
            Make::Text(make) => make(random).into(),
            Make::Value(make) => make(random),
        }
    }
}
