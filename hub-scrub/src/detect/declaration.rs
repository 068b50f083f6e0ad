//! What a built-in detector has to declare: name, words, trigger, integers, searches, check, examples.
//!
//! Each detector has one [`Declaration`], beside its search. Names, the parser of rule files, the
//! prefilter and the scan are derived from it, so a part that is missing does not compile.

use super::cluster::Cluster;
use super::kinds::BuiltIn;
use super::secret_format::SecretFormat;
use super::text_match::Match;

/// All that the rest of the scrub knows of a built-in detector.
#[derive(Debug)]
pub(super) struct Declaration {
    pub(super) kind: BuiltIn,
    /// The name in rule files.
    pub(super) name: &'static str,
    /// One of these near an ambiguous match makes it a hit. Empty if no match is ambiguous.
    pub(super) words: &'static [&'static str],
    /// What a text must have to be scanned for it.
    pub(super) trigger: Trigger,
    /// The counts of digits of integers that it may find, all of them ambiguous.
    pub(super) ambiguous_integers: &'static [usize],
    /// The counts of digits of integers that it may find, some of them certain.
    pub(super) certain_integers: &'static [usize],
    /// How it searches.
    pub(super) searches: &'static [Search],
    /// What a user's own pattern can ask of a match by the detector's name.
    pub(super) check: Option<CheckFn>,
    /// Texts in which it has exactly one hit. A test scans them.
    pub(super) examples: &'static [&'static str],
}

/// What a text must have to be scanned for a detector. A number is a bit in the set of triggers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trigger {
    /// `@`
    At,
    /// The two letters of a country that has IBANs, and digits.
    Country,
    /// Two colons in a row, or six.
    Colons,
    /// How a private key begins.
    Begin,
    /// Seven digits or more, with what joins them.
    Digits,
    /// The same; a letter may stand before the first one.
    DigitsBehindLetter,
    /// The same; eight in one piece may be enough.
    EightDigits,
    /// Digits with three points.
    Points,
    /// A long run of token characters.
    Run,
    /// The same; one of hexadecimal digits, too.
    HexRun,
    /// The same; sixteen letters and digits, each in its place.
    CodeRun,
}

impl Trigger {
    /// The word for it in `docs/scrub.md`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Trigger::At => "at",
            Trigger::Country => "country",
            Trigger::Colons => "colons",
            Trigger::Begin => "begin",
            Trigger::Digits
            | Trigger::DigitsBehindLetter
            | Trigger::EightDigits
            | Trigger::Points => "digits",
            Trigger::Run | Trigger::HexRun | Trigger::CodeRun => "run",
        }
    }
}

/// Looks at the cluster's groups from one on.
pub(super) type NumberSearch = fn(&Cluster<'_>, usize) -> Option<Match>;
/// Looks at the text from an offset on.
pub(super) type StartSearch = fn(&[u8], usize) -> Option<Match>;
/// Looks around the sign at an offset, not before `from`. Returns `from` for the next search, too.
pub(super) type SignSearch = fn(&str, usize, usize) -> (Option<Match>, usize);
/// Looks at a run of token characters and reports what it finds.
pub(super) type RunSearch = fn(&[u8], usize, usize, &mut dyn FnMut(Match));

/// Where a detector searches, and how.
#[derive(Debug, Clone, Copy)]
pub(super) enum Search {
    /// At each group of digits.
    Number(NumberSearch),
    /// Where so many letters, one or two, stand alone before a digit.
    Letters(u32, StartSearch),
    /// At each of these signs, which are `@` or `:`.
    Sign(u8, SignSearch),
    /// In each long run of token characters.
    Run(RunSearch),
    /// Where one of these prefixes stands.
    Prefix(&'static [SecretFormat]),
    /// Where a text of at least `shortest` bytes has `begin`.
    Begin { begin: &'static [u8], shortest: usize, search: StartSearch },
}

/// A check of what was found, without separators.
#[derive(Debug, Clone, Copy)]
pub(super) enum CheckFn {
    /// Of digits, each as its value.
    Digits(fn(&[u8]) -> bool),
    /// Of digits and upper-case letters.
    Characters(fn(&[u8]) -> bool),
}
