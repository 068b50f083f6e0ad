//! Each match carries evidence: how sure it is that the match is what its detector looks for, and why.
//!
//! Without it, a rule could only take everything that has the shape of something sensitive, or nothing, and
//! nobody could tell why a value was changed.

use std::fmt;
use std::str::FromStr;

/// A `Confidence` is how sure it is that a match is what its detector looks for. A rule states from which
/// confidence on it acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// The match has the right shape, and so have many things that are not sensitive.
    Possible,
    /// Little else looks like the match, or a word near it says what it is.
    Likely,
    /// Nothing else looks like the match, or its key says what it is.
    Certain,
}

impl Confidence {
    /// The list has every confidence with its word in rule files, from the lowest to the highest.
    pub const ALL: [(Confidence, &'static str); 3] = [
        (Confidence::Possible, "possible"),
        (Confidence::Likely, "likely"),
        (Confidence::Certain, "certain"),
    ];

    /// Returns the word of the confidence in rule files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Confidence::ALL[self as usize].1
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Confidence {
    type Err = ();

    fn from_str(word: &str) -> Result<Confidence, ()> {
        let found = Confidence::ALL.iter().find(|(_, name)| *name == word);
        found.map(|(confidence, _)| *confidence).ok_or(())
    }
}

/// A `Reason` is what speaks most for a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Only the shape of the match speaks for it.
    Shape,
    /// The match is written as people write such values, and seldom anything else.
    Form,
    /// The check digits of the match are right.
    CheckDigits,
    /// The match begins with a prefix that nothing else has.
    Prefix,
    /// The user's pattern matches.
    Pattern,
    /// A word near the match names what it is.
    Word,
    /// The key of the value names what it is.
    Key,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::Shape => "by its shape",
            Reason::Form => "by the way it is written",
            Reason::CheckDigits => "by its check digits",
            Reason::Prefix => "by its prefix",
            Reason::Pattern => "by a pattern",
            Reason::Word => "by a word near it",
            Reason::Key => "by its key",
        })
    }
}

/// `Evidence` is how sure a match is, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Evidence {
    /// The match is so sure.
    pub confidence: Confidence,
    /// This speaks most for it.
    pub reason: Reason,
}

impl Evidence {
    /// Only the shape speaks for the match.
    pub(super) const SHAPE: Evidence = Evidence::new(Confidence::Possible, Reason::Shape);
    /// The check digits are right, which they are by chance in too many other numbers.
    pub(super) const CHECKED: Evidence = Evidence::new(Confidence::Possible, Reason::CheckDigits);
    /// The check digits are right, and little else has the prefix, the length or the groups of the match.
    pub(super) const CHECKED_FORM: Evidence =
        Evidence::new(Confidence::Likely, Reason::CheckDigits);
    /// The match is written as little else is.
    pub(super) const FORM: Evidence = Evidence::new(Confidence::Likely, Reason::Form);
    /// The match has a form that nothing else has.
    pub(super) const OWN_FORM: Evidence = Evidence::new(Confidence::Certain, Reason::Form);
    /// The match has a form with check digits that nothing else has.
    pub(super) const OWN_CHECK: Evidence = Evidence::new(Confidence::Certain, Reason::CheckDigits);
    /// The match has a prefix that nothing else has.
    pub(super) const PREFIX: Evidence = Evidence::new(Confidence::Certain, Reason::Prefix);
    /// A user's pattern matches.
    pub(super) const PATTERN: Evidence = Evidence::new(Confidence::Certain, Reason::Pattern);
    /// A word near the match names what it is.
    pub(super) const WORD: Evidence = Evidence::new(Confidence::Likely, Reason::Word);
    /// The key of the value names what it is.
    pub const KEY: Evidence = Evidence::new(Confidence::Certain, Reason::Key);

    /// Returns the surer one of two pieces of evidence, or `other` if both are equally sure.
    pub(super) fn max_with(self, other: Evidence) -> Evidence {
        if self.confidence > other.confidence { self } else { other }
    }

    const fn new(confidence: Confidence, reason: Reason) -> Evidence {
        Evidence { confidence, reason }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.confidence, self.reason)
    }
}
