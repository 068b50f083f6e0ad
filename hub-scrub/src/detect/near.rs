//! This module searches for words near a match.
//!
//! Without it, ten plain digits would count as a telephone number in every text.

use super::spec::{DetectErrorKind, Near};
use super::work::Work;
use aho_corasick::AhoCorasick;

/// A key that stands in place of one that is too long to be searched. It counts as if it had every word.
pub(crate) const ANY_WORD: &str = "\u{10ffff}";
/// A byte costs this many reads when it is searched for words.
const WORD_READS: usize = 8;
/// To search for words at one match costs this many reads, besides those of the bytes.
const BEGIN_READS: usize = 64;

/// `Words` is the compiled form of [`Near`].
#[derive(Debug, Clone)]
pub(super) struct Words {
    words: AhoCorasick,
    /// The entry at the index of a word says whether the word is of a script without spaces between words. In
    /// such scripts, no word stands alone.
    unspaced: Vec<bool>,
    /// The words may have at most this distance from the match, in bytes.
    within: usize,
    pub(super) required: bool,
}

impl Words {
    pub(super) fn new(near: &Near) -> Result<Words, DetectErrorKind> {
        if near.words.is_empty() || !(1..=Near::FARTHEST).contains(&near.within) {
            return Err(DetectErrorKind::Near);
        }
        if near.words.iter().any(String::is_empty) {
            return Err(DetectErrorKind::Empty("near.words"));
        }
        // The automaton ignores case only for ASCII, so each word is added in three spellings.
        let mut words = Vec::new();
        let mut unspaced = Vec::new();
        for word in &near.words {
            let lower = word.to_lowercase();
            let upper = word.to_uppercase();
            let head = lower.chars().next().map_or(0, char::len_utf8);
            let title = lower[..head].to_uppercase() + &lower[head..];
            let joins = lower.chars().any(|c| c >= '\u{2e80}');
            for form in [lower, upper, title] {
                words.push(form);
                unspaced.push(joins);
            }
        }
        let words = AhoCorasick::builder().ascii_case_insensitive(true).build(&words);
        let words = words.map_err(DetectErrorKind::Words)?;
        Ok(Words { words, unspaced, within: near.within, required: near.required })
    }

    /// Returns whether a word is near the range `start..end` of the text.
    pub(super) fn are_near(&self, text: &str, start: usize, end: usize, work: &mut Work) -> bool {
        let from = text.floor_char_boundary(start.saturating_sub(self.within));
        let to = text.ceil_char_boundary(text.len().min(end + self.within));
        work.add(BEGIN_READS + WORD_READS * (start - from + to - end));
        self.has(text, from, start, is_apart) || self.has(text, end, to, is_apart)
    }

    /// Returns whether a word is in a key.
    pub(super) fn are_in(&self, key: &str) -> bool {
        self.has(key, 0, key.len(), stands_alone)
    }

    fn has(
        &self,
        text: &str,
        from: usize,
        to: usize,
        alone: fn(&str, usize, usize) -> bool,
    ) -> bool {
        self.words.find_overlapping_iter(&text[from..to]).any(|found| {
            let (start, end) = (from + found.start(), from + found.end());
            self.unspaced[found.pattern().as_usize()] || alone(text, start, end)
        })
    }
}

/// A name of words that humps divide, such as `homeTel`, has at most this many bytes.
const LONGEST_NAME: usize = 24;

/// Returns whether a word is alone in a text. In a longer row of letters and digits, which is an identifier, some of
/// them look like a word by chance.
fn is_apart(text: &str, start: usize, end: usize) -> bool {
    let part = |b: &&u8| b.is_ascii_alphanumeric();
    let before = text.as_bytes()[..start].iter().rev().take(LONGEST_NAME).take_while(part).count();
    let behind = text.as_bytes()[end..].iter().take(LONGEST_NAME).take_while(part).count();
    // `SMs` is no spelling of a word.
    let spelling = |rest: &str| rest == rest.to_lowercase() || rest == rest.to_uppercase();
    let first = text[start..end].chars().next().map_or(0, char::len_utf8);
    before + behind + end - start <= LONGEST_NAME
        && spelling(&text[start + first..end])
        && stands_alone(text, start, end)
}

/// Returns whether a word is alone in a key: no letter continues it. `homeTel` and `telHome` count as two words
/// each.
fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let before = text[..start].chars().next_back();
    let first = text[start..].chars().next();
    let last = text[..end].chars().next_back();
    let behind = text[end..].chars().next();
    let letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
    let lower = |c: Option<char>| c.is_some_and(char::is_lowercase);
    let upper = |c: Option<char>| c.is_some_and(char::is_uppercase);
    let begins = !letter(before) || lower(before) && upper(first);
    let ends = !letter(behind) || lower(last) && upper(behind);
    begins && ends
}
