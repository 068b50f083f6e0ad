//! What a set of detectors is made from, and what can be wrong with it.
//!
//! Without these types rule files and Rust code would describe a detector in two ways.

use super::check::Check;
use super::kinds::BuiltIn;
use thiserror::Error;

/// One detector of a set.
#[derive(Debug, Clone)]
pub struct DetectorSpec {
    /// What it looks for.
    pub find: Find,
    /// Words near a match. `None`: for a built-in its own [`BuiltIn::words`] near ambiguous
    /// matches; for a pattern no words are needed.
    pub near: Option<Near>,
    /// Matches that are no hits.
    pub except: Except,
}

/// What a detector looks for.
#[derive(Debug, Clone)]
pub enum Find {
    /// One that comes with Hub.
    BuiltIn(BuiltIn),
    /// A pattern of the user's own.
    Pattern {
        /// A regular expression in the syntax of the crate `regex`. It may not match the empty
        /// text. If it has a group named `value`, the hit is that group. A match longer than
        /// 1 KiB may be missed.
        pattern: String,
        /// Literals, in any ASCII case, of which every text with a match has at least one. The
        /// pattern is tried only on texts that have one. Empty: it is tried on every text.
        literals: Vec<String>,
        /// What a match (the group `value`) has to pass.
        check: Option<Check>,
    },
}

/// Words near a match, in the text or in the key that the text stands under.
#[derive(Debug, Clone)]
pub struct Near {
    /// Compared without regard to case. A word of up to four letters has to stand alone, as in
    /// `tel: …`, `tel_home` and `homeTel`; a longer one may be part of another word.
    pub words: Vec<String>,
    /// How far from the match, in bytes of the text, at most [`Near::FARTHEST`].
    pub within: usize,
    /// Whether certain matches need a word too. A pattern's matches are certain.
    pub required: bool,
}

impl Near {
    /// The most that [`within`](Near::within) may be.
    pub const FARTHEST: usize = 1000;
    /// How far the built-ins look.
    pub const BUILT_IN: usize = 40;
}

/// Matches that are no hits.
#[derive(Debug, Clone, Default)]
pub struct Except {
    /// Exactly these, in any ASCII case.
    pub literals: Vec<String>,
    /// What one of these regular expressions matches, anywhere in the match unless anchored.
    pub patterns: Vec<String>,
}

impl DetectorSpec {
    /// The built-in as it is.
    pub fn built_in(kind: BuiltIn) -> DetectorSpec {
        DetectorSpec { find: Find::BuiltIn(kind), near: None, except: Except::default() }
    }

    /// A pattern alone.
    pub fn pattern(pattern: impl Into<String>) -> DetectorSpec {
        let find = Find::Pattern { pattern: pattern.into(), literals: Vec::new(), check: None };
        DetectorSpec { find, near: None, except: Except::default() }
    }
}

/// A specification that no set can be made from.
#[derive(Debug, Error)]
#[error("detector {index}: {kind}")]
pub struct DetectError {
    /// Index of the specification.
    pub index: usize,
    /// What is wrong with it.
    #[source]
    pub kind: DetectErrorKind,
}

/// What is wrong with a specification.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DetectErrorKind {
    /// The pattern does not compile, or would take more than 1 MiB compiled.
    #[error("`pattern`: {0}")]
    Pattern(String),
    /// A pattern of the exceptions does not compile.
    #[error("`except.patterns`: {0}")]
    ExceptPattern(String),
    /// The pattern can match the empty text, so it would match everywhere.
    #[error("`pattern` can match the empty text")]
    MatchesEmpty,
    /// An empty literal, word or exception.
    #[error("`{0}` has an empty entry")]
    Empty(&'static str),
    /// No words, or too far.
    #[error("`near` needs words, and `within` of 1 to {}", Near::FARTHEST)]
    Near,
    /// More detectors than a set can hold.
    #[error("a set holds at most {} detectors", u16::MAX)]
    TooMany,
    /// The words or literals are too many for one automaton.
    #[error("too many words or literals: {0}")]
    Words(aho_corasick::BuildError),
}
