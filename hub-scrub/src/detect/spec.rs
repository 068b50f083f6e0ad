//! A set of detectors is compiled from specifications. This module has their types and their errors.
//!
//! Without these types, rule files and Rust code would describe detectors in two ways.

use super::check::Check;
use super::evidence::Confidence;
use super::kinds::BuiltIn;
use thiserror::Error;

/// A `DetectorSpec` specifies one detector of a set.
#[derive(Debug, Clone)]
pub struct DetectorSpec {
    /// The detector searches for this.
    pub find: Find,
    /// A match may need these words nearby. With `None`, a built-in uses its own [`BuiltIn::words`] and names of
    /// keys, and a pattern needs no words.
    pub near: Option<Near>,
    /// These matches are not hits.
    pub except: Except,
    /// A match is a hit if it is at least this sure. All matches of a pattern are certain.
    pub from: Confidence,
}

/// A `Find` states what a detector searches for.
#[derive(Debug, Clone)]
pub enum Find {
    /// The detector is one that comes with Hub.
    BuiltIn(BuiltIn),
    /// The detector searches with a pattern of the user.
    Pattern {
        /// The pattern is a regular expression in the syntax of the crate `regex`. It may not match the
        /// empty text. If it has a group named `value`, the hit is that group. A match longer than
        /// 1 KiB may be missed.
        pattern: String,
        /// Every text with a match must contain at least one of these literals, in any ASCII case. The
        /// pattern is tried only on texts with a literal. Without literals, it is tried on every text.
        literals: Vec<String>,
        /// A match, or its group `value`, has to pass this check.
        check: Option<Check>,
    },
}

/// A `Near` has the words that make a match surer nearby, or without which it is none: in the text or in the key of the text.
#[derive(Debug, Clone)]
pub struct Near {
    /// One of these words has to be near, in any case, or in the key of the text. A word has to stand alone, as
    /// in `tel: …`, `tel_home` and `homeTel`, and may not be a part of another word.
    pub words: Vec<String>,
    /// A word in the text may have at most this distance from the match, in bytes. The distance is at most
    /// [`Near::FARTHEST`].
    pub within: usize,
    /// If this is true, every match needs a word. Otherwise a match without a word is as sure as its form makes
    /// it.
    pub required: bool,
}

impl Near {
    /// The distance [`within`](Near::within) has at most this value, in bytes.
    pub const FARTHEST: usize = 1000;
    /// The words of built-ins may have at most this distance from a match, in bytes.
    pub const BUILT_IN: usize = 40;
}

/// An `Except` lists matches that are not hits.
#[derive(Debug, Clone, Default)]
pub struct Except {
    /// Matches that equal one of these literals, in any ASCII case, are not hits.
    pub literals: Vec<String>,
    /// Matches in which one of these regular expressions matches are not hits. The expression may match
    /// anywhere in the match, unless it is anchored.
    pub patterns: Vec<String>,
}

impl DetectorSpec {
    /// Returns the specification of a built-in detector with its own words and without exceptions. Matches that
    /// are only possible are no hits.
    pub fn built_in(kind: BuiltIn) -> DetectorSpec {
        DetectorSpec {
            find: Find::BuiltIn(kind),
            near: None,
            except: Except::default(),
            from: Confidence::Likely,
        }
    }

    /// Returns the specification of a pattern without words, literals and exceptions.
    pub fn pattern(pattern: impl Into<String>) -> DetectorSpec {
        let find = Find::Pattern { pattern: pattern.into(), literals: Vec::new(), check: None };
        DetectorSpec { find, near: None, except: Except::default(), from: Confidence::Likely }
    }

    /// Returns the specification with another confidence from which on a match is a hit.
    #[must_use]
    pub fn from(self, from: Confidence) -> DetectorSpec {
        DetectorSpec { from, ..self }
    }
}

/// A `DetectError` is the error for a specification that cannot be compiled.
#[derive(Debug, Error)]
#[error("detector {index}: {kind}")]
pub struct DetectError {
    /// The specification has this index.
    pub index: usize,
    /// The specification has this fault.
    #[source]
    pub kind: DetectErrorKind,
}

/// A `DetectErrorKind` is a fault of a specification.
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
