//! This module searches texts with the patterns of users.
//!
//! A search is limited to a window. Without that, a pattern could take quadratic time.

use super::check::Check;
use super::spec::DetectErrorKind;
use super::word_boundaries::{SLOW_READS, WithoutBoundaries};
use super::work::Work;
use regex_automata::meta::{Cache, Regex};
use regex_automata::util::pool::Pool;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};
use regex_syntax::hir::Hir;
use std::fmt;
use std::sync::Arc;

/// A search for the beginning of a match reads this many bytes at a time, and as many more for the match
/// itself. So no search reads the whole text repeatedly, and the time is linear in the text, even for a
/// pattern that reads far ahead and then matches little.
const WINDOW: usize = 1024;

/// A match costs this many reads, besides those of the bytes that were searched for it.
const MATCH_READS: usize = 32;
/// The engine of patterns takes longer for a byte than other searches do, so it costs a third more.
const fn reads(bytes: usize) -> usize {
    bytes + bytes / 3
}

/// A byte of the states that the engine makes while it searches costs this many reads. Most patterns have few
/// states, which stay. Without this cost, a pattern that needs other states for each text would cost too little.
const STATE_READS: usize = 2;

/// A compiled pattern may take at most this many bytes of memory.
const COMPILED: usize = 1 << 20;

/// A `Pattern` is a compiled pattern of a user.
#[derive(Clone)]
pub(super) struct Pattern {
    regex: Regex,
    /// Each thread that searches has the states that the engine has made for it.
    states: Arc<Pool<Cache, MakeStates>>,
    /// This is for texts beyond ASCII, if they make the pattern slow.
    without_boundaries: Option<WithoutBoundaries>,
    /// If this is true, the pattern has a group named `value`, and the hit is that group.
    value: bool,
    check: Option<Check>,
}

type MakeStates =
    Box<dyn Fn() -> Cache + Send + Sync + std::panic::UnwindSafe + std::panic::RefUnwindSafe>;

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.regex.fmt(f)
    }
}

/// Compiles a regular expression. The second result is its syntax.
pub(super) fn compile(pattern: &str) -> Result<(Regex, Hir), String> {
    let hir = syntax::parse(pattern).map_err(|e| e.to_string())?;
    let config = Regex::config().nfa_size_limit(Some(COMPILED)).utf8_empty(true);
    let regex = Regex::builder().configure(config).build_from_hir(&hir);
    Ok((regex.map_err(|e| e.to_string())?, hir))
}

impl Pattern {
    pub(super) fn new(pattern: &str, check: Option<Check>) -> Result<Pattern, DetectErrorKind> {
        let (regex, hir) = compile(pattern).map_err(DetectErrorKind::Pattern)?;
        if hir.properties().minimum_len().unwrap_or(0) == 0 {
            return Err(DetectErrorKind::MatchesEmpty);
        }
        let value = regex.group_info().to_index(regex_automata::PatternID::ZERO, "value").is_some();
        let without_boundaries =
            WithoutBoundaries::of(&hir, COMPILED).map_err(DetectErrorKind::Pattern)?;
        let of_thread = regex.clone();
        let states: MakeStates = Box::new(move || of_thread.create_cache());
        let states = Arc::new(Pool::new(states));
        Ok(Pattern { regex, states, without_boundaries, value, check })
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
            work.add(reads(to - from));
            if work.is_over() {
                return None;
            }
            match self.first(text, from, to, work) {
                None if to == text.len() => return None,
                None => from = text.floor_char_boundary(from + WINDOW),
                Some((start, end)) if end < to || to == text.len() => return Some((start, end)),
                // The match reaches the end of the window, so it may go on behind it.
                Some((start, _)) if start > from + WINDOW => from = start,
                Some((start, end)) => return Some((start, self.extend(text, start, end, work))),
            }
        }
    }

    /// Returns the range of the first match in the bytes `from..to` of the text.
    fn first(&self, text: &str, from: usize, to: usize, work: &mut Work) -> Option<(usize, usize)> {
        match &self.without_boundaries {
            Some(other) if !text[from..to].is_ascii() => {
                other.find(&self.regex, text, from, to, work)
            }
            _ => self.search(Input::new(text).span(from..to), work),
        }
    }

    /// Runs the engine, and pays for the states that it makes.
    fn search(&self, input: Input<'_>, work: &mut Work) -> Option<(usize, usize)> {
        let mut states = self.states.get();
        let before = states.memory_usage();
        let found = self.regex.search_with(&mut states, &input);
        work.add(STATE_READS * states.memory_usage().saturating_sub(before));
        found.map(|one| (one.start(), one.end()))
    }

    /// Returns the end of the match at the offset `start`, which reached the end of its window.
    fn extend(&self, text: &str, start: usize, mut end: usize, work: &mut Work) -> usize {
        loop {
            let to = text.ceil_char_boundary(text.len().min(end + (end - start)));
            let slow = self.without_boundaries.is_some() && !text[start..to].is_ascii();
            work.add(if slow { SLOW_READS * (to - start) } else { reads(to - start) });
            if work.is_over() {
                return end;
            }
            let input = Input::new(text).span(start..to).anchored(Anchored::Yes);
            let longer = self.search(input, work).map_or(end, |one| one.1);
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
        work.add(SLOW_READS * (end - start) + MATCH_READS);
        let mut captures = self.regex.create_captures();
        let input = Input::new(text).span(start..end).anchored(Anchored::Yes);
        self.regex.captures(input, &mut captures);
        // If the group took no part in the match, the whole match counts.
        captures.get_group_by_name("value").map_or((start, end), |span| (span.start, span.end))
    }
}
