//! What a built-in detector declares: name, words, trigger, integers, searches, check, examples.
//!
//! Each detector has one [`Declaration`], in the module of its search. The names, the parser of rule files,
//! the prefilter and the scan are derived from it, so a detector with a missing part does not compile.

use super::kinds::BuiltIn;
use super::number_search::NumberSearch;
use super::secret_format::SecretFormat;
use super::text_match::Match;

/// Everything that the rest of the scrub knows about a built-in detector.
#[derive(Debug)]
pub(super) struct Declaration {
    pub(super) kind: BuiltIn,
    /// The name in rule files.
    pub(super) name: &'static str,
    /// The words of the detector. An ambiguous match is a hit if one of them is near. Empty if no
    /// match is ambiguous.
    pub(super) words: &'static [&'static str],
    /// What a text needs to be scanned for this detector.
    pub(super) trigger: Trigger,
    /// The lengths in digits of the integers that the detector may find, if all such finds are
    /// ambiguous.
    pub(super) ambiguous_integers: &'static [usize],
    /// The lengths in digits of the integers that the detector may find, if some such finds are
    /// certain.
    pub(super) certain_integers: &'static [usize],
    /// How the detector searches.
    pub(super) searches: &'static [Search],
    /// The check that a user's pattern can ask for by the name of the detector.
    pub(super) check: Option<CheckFn>,
    /// Texts in which the detector has exactly one hit. A test scans them.
    pub(super) examples: &'static [&'static str],
}

/// What a text needs to be scanned for a detector. The discriminant is a bit in the set of
/// triggers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trigger {
    /// `@`
    At,
    /// The two letters of a country that has IBANs, and then digits.
    Country,
    /// Two colons in a row, or six.
    Colons,
    /// The beginning of a private key.
    Begin,
    /// Seven digits or more, with the separators between them.
    Digits,
    /// As `Digits`, with a letter allowed in front of the first digit.
    DigitsBehindLetter,
    /// As `Digits`, but eight digits in one piece may be enough.
    EightDigits,
    /// Digits with three points.
    Points,
    /// A long run of token characters.
    Run,
    /// As `Run`, and a run of hexadecimal digits is enough too.
    HexRun,
    /// As `Run`, and sixteen letters and digits in a certain order are enough too.
    CodeRun,
}

impl Trigger {
    /// The word for the trigger in `docs/scrub.md`.
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

/// Searches the text from an offset on.
pub(super) type StartSearch = fn(&[u8], usize) -> Option<Match>;
/// Searches around the sign at the first offset, and not before the second one, which is not
/// greater. The result has the earliest offset for the next search too.
pub(super) type SignSearch = fn(&str, usize, usize) -> (Option<Match>, usize);
/// Searches a run of token characters, and reports what it finds.
pub(super) type RunSearch = fn(&[u8], usize, usize, &mut dyn FnMut(Match));

/// Where a detector searches, and with which function.
#[derive(Debug, Clone, Copy)]
pub(super) enum Search {
    /// At each group of digits with which a number may begin.
    Number(NumberSearch),
    /// Wherever so many letters (one or two) are alone in front of a digit.
    Letters(u32, StartSearch),
    /// At each of these signs, which are `@` or `:`, if this byte may follow it.
    Sign(u8, fn(u8) -> bool, SignSearch),
    /// In each long run of token characters.
    Run(RunSearch),
    /// Wherever one of these prefixes is.
    Prefix(&'static [SecretFormat]),
    /// Wherever a text of at least `shortest` bytes contains `begin`.
    Begin { begin: &'static [u8], shortest: usize, search: StartSearch },
}

/// A check of a match, whose separators are left out.
#[derive(Debug, Clone, Copy)]
pub(super) enum CheckFn {
    /// It checks the values of digits.
    Digits(fn(&[u8]) -> bool),
    /// It checks digits and upper-case letters.
    Characters(fn(&[u8]) -> bool),
}
