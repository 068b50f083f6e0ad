//! A built-in detector declares its name, words, trigger, integers, searches, check and examples.
//!
//! Each detector has one [`Declaration`], in the module of its search. The names, the parser of rule files,
//! the prefilter and the scan are derived from it, so a detector with a missing part does not compile.

use super::kinds::BuiltIn;
use super::number_search::NumberSearch;
use super::secret_format::SecretFormat;
use super::text_match::Match;
use super::work::Work;

/// A `Declaration` is everything that the rest of the scrub knows about a built-in detector.
#[derive(Debug)]
pub(super) struct Declaration {
    pub(super) kind: BuiltIn,
    /// The detector has this name in rule files.
    pub(super) name: &'static str,
    /// A match that is only possible is likely if one of these words is near it in the text.
    pub(super) words: &'static [&'static str],
    /// A match is certain if its key ends with one of these names, as [`KeyNames`](super::key_names::KeyNames)
    /// compares them.
    pub(super) keys: &'static [&'static str],
    /// Other things that look like a match have these names. A match is no more than possible if its key ends
    /// with one of them, or if one of them stands in front of it.
    pub(super) others: &'static [&'static str],
    /// A text is scanned for this detector if it fulfils this condition.
    pub(super) trigger: Trigger,
    /// The detector may find integers with these counts of digits, and all such matches are only possible
    /// unless their key names them.
    pub(super) possible_integers: &'static [usize],
    /// The detector may find integers with these counts of digits, and some such matches are likely.
    pub(super) likely_integers: &'static [usize],
    /// The detector searches with these functions.
    pub(super) searches: &'static [Search],
    /// A user's pattern can have this check, by the name of the detector.
    pub(super) check: Option<CheckFn>,
    /// In each of these texts, the detector has exactly one hit. A test scans them.
    pub(super) examples: &'static [&'static str],
}

/// A `Trigger` is what a text must have to be scanned for a detector. The discriminant is a bit in the set
/// of triggers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trigger {
    /// The text has an `@`.
    At,
    /// The text has the two letters of a country that has IBANs, and then digits.
    Country,
    /// The text has two colons in a row, or six colons close together.
    Colons,
    /// The text has a `=` or a `:` behind what may be the name of a secret.
    Assignment,
    /// The text has the beginning of a private key.
    Begin,
    /// The text has seven digits or more, perhaps with separators between them.
    Digits,
    /// The text fulfils `Digits`, and a letter may stand in front of the first digit.
    DigitsBehindLetter,
    /// The text fulfils `Digits`, or it has eight digits in one piece.
    EightDigits,
    /// The text has digits with three points.
    Points,
    /// The text has a long run of token characters.
    Run,
    /// The text fulfils `Run`, or it has a long run of hexadecimal digits.
    HexRun,
    /// The text fulfils `Run`, or it has sixteen letters and digits in the order of a codice fiscale.
    CodeRun,
}

impl Trigger {
    /// Returns the word for the trigger in `docs/scrub.md`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Trigger::At => "at",
            Trigger::Country => "country",
            Trigger::Colons => "colons",
            Trigger::Assignment => "assignment",
            Trigger::Begin => "begin",
            Trigger::Digits
            | Trigger::DigitsBehindLetter
            | Trigger::EightDigits
            | Trigger::Points => "digits",
            Trigger::Run | Trigger::HexRun | Trigger::CodeRun => "run",
        }
    }
}

/// A `StartSearch` searches a text for a match that begins at an offset.
pub(super) type StartSearch = fn(&[u8], usize, &mut Work) -> Option<Match>;
/// A `SignSearch` searches around the sign at the first offset. The match may not begin in front of the
/// second offset. The result has the offset from which the next search may begin too.
pub(super) type SignSearch = fn(&str, usize, usize, &mut Work) -> (Option<Match>, usize);
/// A `RunSearch` searches a run of token characters between two offsets, and reports its matches.
pub(super) type RunSearch = fn(&[u8], usize, usize, &mut Work, &mut dyn FnMut(Match, &mut Work));

/// A `Search` states where a detector searches, and with which function. A function counts what it reads, so
/// that a search without a cost does not compile.
#[derive(Debug, Clone, Copy)]
pub(super) enum Search {
    /// The detector searches at each group of digits with which a number may begin.
    Number(NumberSearch),
    /// The detector searches wherever this number of letters (one or two) is alone in front of a digit.
    Letters(u32, StartSearch),
    /// The detector searches at each sign of this kind (`@`, `:` or `=`). The first function states which bytes
    /// may follow the sign.
    Sign(u8, fn(u8) -> bool, SignSearch),
    /// The detector searches in each long run of token characters.
    Run(RunSearch),
    /// The detector searches wherever a prefix of one of these formats is.
    Prefix(&'static [SecretFormat]),
    /// The detector searches wherever a text of at least `shortest` bytes contains `begin`.
    Begin { begin: &'static [u8], shortest: usize, search: StartSearch },
}

/// A `CheckFn` checks a match without its separators.
#[derive(Debug, Clone, Copy)]
pub(super) enum CheckFn {
    /// The function checks the values of digits.
    Digits(fn(&[u8]) -> bool),
    /// The function checks digits and upper-case letters in ASCII.
    Characters(fn(&[u8]) -> bool),
}
