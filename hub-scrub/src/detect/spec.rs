//! The specifications from which a set of detectors is compiled, and the errors in them.
//!
//! Without these types, rule files and Rust code would describe detectors in two ways.

use super::check::Check;
use super::kinds::BuiltIn;
use thiserror::Error;

/// One detector of a set.
#[derive(Debug, Clone)]
pub struct DetectorSpec {
    /// What the detector searches for.
    pub find: Find,
    /// The words near a match. With `None`, a built-in uses its own [`BuiltIn::words`] for
    /// ambiguous matches, and a pattern needs no words.
    pub near: Option<Near>,
    /// The matches that are not hits.
    pub except: Except,
}

/// What a detector searches for.
#[derive(Debug, Clone)]
pub enum Find {
    /// A detector that comes with Hub.
    BuiltIn(BuiltIn),
    /// A pattern of the user.
    Pattern {
        /// A regular expression in the syntax of the crate `regex`. It may not match the empty
        /// text. If it has a group named `value`, the hit is that group. A match longer than
        /// 1 KiB may be missed.
        pattern: String,
        /// Literals, of which every text with a match contains at least one, in any ASCII case. The
        /// pattern is tried only on such texts. If there are none, it is tried on every text.
        literals: Vec<String>,
        /// The check that a match, or its group `value`, has to pass.
        check: Option<Check>,
    },
}

/// The words near a match, in the text or in the key of the text.
#[derive(Debug, Clone)]
pub struct Near {
    /// The words, in any case. A word of up to four letters has to be alone, as in `tel: …`,
    /// `tel_home` and `homeTel`. A longer one may be part of another word.
    pub words: Vec<String>,
    /// The greatest distance from the match, in bytes of the text. It is at most
    /// [`Near::FARTHEST`].
    pub within: usize,
    /// Whether certain matches need a word too. All matches of a pattern are certain.
    pub required: bool,
}

impl Near {
    /// The greatest value of [`within`](Near::within).
    pub const FARTHEST: usize = 1000;
    /// The distance of the words of built-ins, in bytes.
    pub const BUILT_IN: usize = 40;
}

/// The matches that are not hits.
#[derive(Debug, Clone, Default)]
pub struct Except {
    /// Matches that equal one of these literals, in any ASCII case, are not hits.
    pub literals: Vec<String>,
    /// Matches in which one of these regular expressions matches are not hits. It may match
    /// anywhere in the match, unless it is anchored.
    pub patterns: Vec<String>,
}

impl DetectorSpec {
    /// A built-in detector with its own words and without exceptions.
    pub fn built_in(kind: BuiltIn) -> DetectorSpec {
        DetectorSpec { find: Find::BuiltIn(kind), near: None, except: Except::default() }
    }

    /// A pattern without words, literals and exceptions.
    pub fn pattern(pattern: impl Into<String>) -> DetectorSpec {
        let find = Find::Pattern { pattern: pattern.into(), literals: Vec::new(), check: None };
        DetectorSpec { find, near: None, except: Except::default() }
    }
}

/// A specification that cannot be compiled.
#[derive(Debug, Error)]
#[error("detector {index}: {kind}")]
pub struct DetectError {
    /// The index of the specification.
    pub index: usize,
    /// What is wrong with it.
    #[source]
    pub kind: DetectErrorKind,
}

/// What is wrong with a specification.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DetectErrorKind {
    /// The pattern does not compile, or its compiled form would take more than 1 MiB.
    #[error("`pattern`: {0}")]
    Pattern(String),
    /// A pattern of the exceptions does not compile.
    #[error("`except.patterns`: {0}")]
    ExceptPattern(String),
    /// The pattern can match the empty text, so it would match everywhere.
    #[error("`pattern` can match the empty text")]
    MatchesEmpty,
    /// A literal, a word or an exception is empty.
    #[error("`{0}` has an empty entry")]
    Empty(&'static str),
    /// There are no words, or their distance is too great.
    #[error("`near` needs words, and `within` of 1 to {}", Near::FARTHEST)]
    Near,
    /// There are more detectors than a set can hold.
    #[error("a set holds at most {} detectors", u16::MAX)]
    TooMany,
    /// There are too many words or literals for one automaton.
    #[error("too many words or literals: {0}")]
    Words(aho_corasick::BuildError),
}
