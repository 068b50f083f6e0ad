//! A user's own patterns.
//!
//! A search is bounded to a window. Without that, a pattern could take quadratic time.

use super::check::Check;
use super::spec::DetectErrorKind;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};

/// A match that begins in a window of this many bytes is looked for in twice as many, so that no
/// search looks at the whole text again and again: the time is linear in the text, for patterns
/// too that look far ahead and then match little.
const WINDOW: usize = 1024;

/// Most memory of a compiled pattern, in bytes.
const COMPILED: usize = 1 << 20;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    regex: Regex,
    /// Whether there is a group `value`.
    value: bool,
    check: Option<Check>,
}

/// How many bytes patterns may still search, each as often as they do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fuel {
    pub(super) left: u64,
    pub(super) spent: u64,
}

impl Default for Fuel {
    fn default() -> Fuel {
        Fuel { left: u64::MAX, spent: 0 }
    }
}

impl Fuel {
    fn spend(&mut self, bytes: usize) -> bool {
        let bytes = bytes as u64;
        self.spent += bytes;
        let enough = bytes <= self.left;
        self.left = self.left.saturating_sub(bytes);
        enough
    }
}

/// A regular expression in a set, and the least bytes that it matches.
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

    /// Reports the spans of what it matches and the check accepts, in ascending order, until the
    /// fuel is spent.
    pub(super) fn find(&self, text: &str, fuel: &mut Fuel, mut found: impl FnMut(usize, usize)) {
        let mut at = 0;
        while let Some((start, end)) = self.next(text, at, fuel) {
            let (from, to) = self.value(text, start, end);
            if from < to && self.check.is_none_or(|check| check.passes(&text[from..to])) {
                found(from, to);
            }
            at = end;
        }
    }

    fn next(&self, text: &str, mut from: usize, fuel: &mut Fuel) -> Option<(usize, usize)> {
        loop {
            let to = text.ceil_char_boundary(text.len().min(from + 2 * WINDOW));
            // A match may be short and the search for a longer one still go through the window.
            if !fuel.spend(to - from) {
                return None;
            }
            match self.regex.find(Input::new(text).span(from..to)) {
                None if to == text.len() => return None,
                None => from = text.floor_char_boundary(from + WINDOW),
                Some(one) if one.end() < to || to == text.len() => {
                    return Some((one.start(), one.end()));
                }
                // It may go on behind the window.
                Some(one) if one.start() > from + WINDOW => from = one.start(),
                Some(one) => return Some((one.start(), self.extend(text, one.start(), one.end()))),
            }
        }
    }

    /// The end of the match at `start`, which reached the end of its window.
    fn extend(&self, text: &str, start: usize, mut end: usize) -> usize {
        loop {
            let to = text.ceil_char_boundary(text.len().min(end + (end - start)));
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

    fn value(&self, text: &str, start: usize, end: usize) -> (usize, usize) {
        if !self.value {
            return (start, end);
        }
        let mut captures = self.regex.create_captures();
        let input = Input::new(text).span(start..end).anchored(Anchored::Yes);
        self.regex.captures(input, &mut captures);
        // A group that took no part leaves the match.
        captures.get_group_by_name("value").map_or((start, end), |span| (span.start, span.end))
    }
}
