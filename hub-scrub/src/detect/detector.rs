//! A detector of a set says whether a match is a hit: whether it is sure enough, and no exception.
//!
//! Without it, each search would have to know the words, the keys and the exceptions of its users.

use super::evidence::{Confidence, Evidence};
use super::key_names::KeyNames;
use super::near::{ANY_WORD, Words};
use super::pattern;
use super::spec::{DetectErrorKind, DetectorSpec, Except, Find, Near};
use super::text_match::Match;
use super::work::Work;
use regex_automata::meta::Regex;

/// A byte of a key costs this many reads when the key is compared with names.
const KEY_READS: usize = 4;
/// The name of something else stands in front of a match within this many bytes.
const OTHER_BYTES: usize = 32;
/// To look for the name of something else costs this many reads.
const OTHER_READS: usize = 32;
/// A match that a pattern of the exceptions is tried on costs this many reads, besides those of its bytes.
const MATCH_READS: usize = 64;

/// A `Detector` has the conditions under which a match is a hit.
#[derive(Debug, Clone)]
pub(super) struct Detector {
    near: Option<Words>,
    /// A key with one of these names says whether a match is what the detector looks for, or something else.
    names: KeyNames<bool>,
    /// If this is true, a key with one of the words of `near` says so, too.
    words_in_keys: bool,
    pub(super) from: Confidence,
    not: Vec<String>,
    not_patterns: Vec<Regex>,
}

impl Detector {
    pub(super) fn new(spec: &DetectorSpec) -> Result<Detector, DetectErrorKind> {
        let built_in = match (&spec.near, &spec.find) {
            (None, Find::BuiltIn(kind)) => Some(kind.declaration()),
            _ => None,
        };
        let own = built_in.filter(|declaration| !declaration.words.is_empty());
        let own = own.map(|declaration| Near {
            words: declaration.words.iter().copied().map(String::from).collect(),
            within: Near::BUILT_IN,
            required: false,
        });
        let (keys, others) =
            built_in.map_or((&[][..], &[][..]), |built_in| (built_in.keys, built_in.others));
        let others = others.iter().map(|name| (*name, false));
        let Except { literals, patterns } = &spec.except;
        if literals.iter().any(String::is_empty) {
            return Err(DetectErrorKind::Empty("except.literals"));
        }
        let compiled = patterns.iter().map(|one| pattern::compile(one).map(|(regex, _)| regex));
        Ok(Detector {
            near: own.as_ref().or(spec.near.as_ref()).map(Words::new).transpose()?,
            names: KeyNames::new(others.chain(keys.iter().map(|name| (*name, true)))),
            words_in_keys: built_in.is_none(),
            from: spec.from,
            not: literals.clone(),
            not_patterns: compiled
                .collect::<Result<_, _>>()
                .map_err(DetectErrorKind::ExceptPattern)?,
        })
    }

    /// Returns what speaks for a match, with its key and the text around it. Returns `None` if that is too
    /// little for a hit.
    pub(super) fn weigh(
        &self,
        key: &str,
        text: &str,
        found: &Match,
        work: &mut Work,
    ) -> Option<Evidence> {
        let Match { start, end, mut evidence } = *found;
        let required = self.near.as_ref().is_some_and(|words| words.required);
        if evidence.confidence == Confidence::Certain && !required {
            return Some(evidence);
        }
        work.add(KEY_READS * key.len());
        let near = || self.near.as_ref();
        if self.is_named_by(key) {
            return Some(if required { evidence.max_with(Evidence::KEY) } else { Evidence::KEY });
        }
        if evidence.confidence == Confidence::Likely && self.is_other(key, text, start, work) {
            evidence.confidence = Confidence::Possible;
        }
        let wants_word = required || evidence.confidence == Confidence::Possible;
        if wants_word {
            let has_word = near().is_some_and(|words| words.are_near(text, start, end, work));
            if !has_word && required {
                return None;
            }
            evidence = if has_word { evidence.max_with(Evidence::WORD) } else { evidence };
        }
        (evidence.confidence >= self.from).then_some(evidence)
    }

    /// Returns whether a key says that a match under it is what the detector looks for.
    pub(super) fn is_named_by(&self, key: &str) -> bool {
        if key == ANY_WORD {
            return true;
        }
        self.names.find(key.as_bytes()) == Some(true)
            || self.words_in_keys && self.near.as_ref().is_some_and(|words| words.are_in(key))
    }

    /// Returns whether the key of a match, or the word in front of it, names something else that looks like
    /// the match.
    fn is_other(&self, key: &str, text: &str, start: usize, work: &mut Work) -> bool {
        work.add(OTHER_READS);
        let in_front = &text.as_bytes()[start.saturating_sub(OTHER_BYTES)..start];
        let other = |name: &[u8]| self.names.find(name) == Some(false);
        other(key.as_bytes()) || other(in_front)
    }

    pub(super) fn excepts(&self, text: &str, work: &mut Work) -> bool {
        work.add(self.not.len() + (MATCH_READS + 2 * text.len()) * self.not_patterns.len());
        self.not.iter().any(|literal| literal.eq_ignore_ascii_case(text))
            || self.not_patterns.iter().any(|pattern| pattern.is_match(text))
    }
}
