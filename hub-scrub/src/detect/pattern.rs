//! This module searches texts with the patterns of users.
//!
//! A search is limited to a window. Without that, a pattern could take quadratic time.

use super::check::Check;
use super::spec::DetectErrorKind;
use super::work::Work;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};

/// A search for the beginning of a match reads this many bytes at a time, and as many more for the match
/// itself. So no search reads the whole text repeatedly, and the time is linear in the text, even for a
/// pattern that reads far ahead and then matches little.
const WINDOW: usize = 1024;

/// A match costs this many reads, besides those of the bytes that were searched for it.
const MATCH_READS: usize = 32;
/// A byte of a match costs this many reads when the group `value` is searched in it.
const GROUP_READS: usize = 40;

/// A compiled pattern may take at most this many bytes of memory.
const COMPILED: usize = 1 << 20;

/// A `Pattern` is a compiled pattern of a user.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    regex: Regex,
    /// If this is true, the pattern has a group named `value`, and the hit is that group.
    value: bool,
    check: Option<Check>,
}

/// Compiles a regular expression. The second result is the shortest length of its matches, in bytes.
pub(super) fn compile(pattern: &str) -> Result<(Regex, usize), String> {
    let hir = syntax::parse(pattern).map_err(|e| e.to_string())?;
    let config = Regex::config().nfa_size_limit(Some(COMPILED)).utf8_empty(true);
    let regex = Regex::builder().configure(config).build_from_hir(&hir);
    let least = hir.properties().minimum_len().unwrap_or(0);
    Ok((regex.map_err(|e| e.to_string())?, least))
}

impl Pattern {
    pub(super) fn new(pattern: &str, check: Option<Check>) -> Result<Pattern, DetectErrorKind> {
        let (regex, least) = compile(pattern).map_err(DetectErrorKind::Pattern)?;
        if least == 0 {
            return Err(DetectErrorKind::MatchesEmpty);
        }
        let value = regex.group_info().to_index(regex_automata::PatternID::ZERO, "value").is_some();
        Ok(Pattern { regex, value, check })
    }

    /// Reports the ranges of the matches that pass the check, in ascending order, until the search has taken
    /// more work than is allowed.
    pub(super) fn find(
        &self,
        text: &str,
        work: &mut Work,
        mut found: impl FnMut(usize, usize, &mut Work),
    ) {
        let mut at = 0;
        while let Some((start, end)) = self.next(text, at, work) {
            let (from, to) = self.value(text, start, end, work);
            work.add(if self.check.is_some() { MATCH_READS + to - from } else { MATCH_READS });
            if from < to && self.check.is_none_or(|check| check.passes(&text[from..to])) {
                found(from, to, work);
            }
            at = end;
        }
    }

    /// Returns the range of the first match from the offset `from` on.
    fn next(&self, text: &str, mut from: usize, work: &mut Work) -> Option<(usize, usize)> {
        loop {
            let to = text.ceil_char_boundary(text.len().min(from + 2 * WINDOW));
            // The whole window is paid for, because even the search for a short match may read all of it.
            work.add(to - from);
            if work.is_over() {
                return None;
            }
            match self.regex.find(Input::new(text).span(from..to)) {
                None if to == text.len() => return None,
                None => from = text.floor_char_boundary(from + WINDOW),
                Some(one) if one.end() < to || to == text.len() => {
                    return Some((one.start(), one.end()));
                }
                // The match reaches the end of the window, so it may go on behind it.
                Some(one) if one.start() > from + WINDOW => from = one.start(),
                Some(one) => {
                    return Some((one.start(), self.extend(text, one.start(), one.end(), work)));
                }
            }
        }
    }

    /// Returns the end of the match at the offset `start`, which reached the end of its window.
    fn extend(&self, text: &str, start: usize, mut end: usize, work: &mut Work) -> usize {
        loop {
            let to = text.ceil_char_boundary(text.len().min(end + (end - start)));
            work.add(to - start);
            let input = Input::new(text).span(start..to).anchored(Anchored::Yes);
            let longer = self.regex.find(input).map_or(end, |one| one.end());
            if longer <= end {
                return end;
            }
            end = longer;
            if end < to || to == text.len() {
                return end;
            }
        }
    }

    /// Returns the range of the group `value` in the match, or of the whole match if there is no such group.
    fn value(&self, text: &str, start: usize, end: usize, work: &mut Work) -> (usize, usize) {
        if !self.value {
            return (start, end);
        }
        work.add(GROUP_READS * (end - start) + MATCH_READS);
        let mut captures = self.regex.create_captures();
        let input = Input::new(text).span(start..end).anchored(Anchored::Yes);
        self.regex.captures(input, &mut captures);
        // If the group took no part in the match, the whole match counts.
        captures.get_group_by_name("value").map_or((start, end), |span| (span.start, span.end))
    }
}
