//! This module searches texts beyond ASCII with patterns that ask for the boundaries of words (`\b`, `\B`).
//!
//! The engine decides such a boundary beside a character beyond ASCII only by following each state of the
//! pattern by itself. That takes some fifty times as long as a search usually does. Without this module, one
//! such character would slow down the search in all of the text around it.

use super::work::Work;
use regex_automata::meta::Regex;
use regex_automata::{Anchored, Input, MatchKind};
use regex_syntax::hir::{Hir, HirKind, Look};

/// A byte costs this many reads when the states of a pattern are followed one by one.
pub(super) const SLOW_READS: usize = 40;

/// `WithoutBoundaries` is a pattern without its boundaries of words. It matches wherever the pattern does, and
/// perhaps in more places.
#[derive(Debug, Clone)]
pub(super) struct WithoutBoundaries {
    /// Finds where a match could begin.
    first: Regex,
    /// Finds where a match that begins at a place ends at the latest.
    longest: Regex,
}

impl WithoutBoundaries {
    /// Returns `None` if the pattern asks for no boundary that depends on characters beyond ASCII.
    pub(super) fn of(pattern: &Hir, nfa_bytes: usize) -> Result<Option<WithoutBoundaries>, String> {
        if !pattern.properties().look_set().contains_word_unicode() {
            return Ok(None);
        }
        let pattern = without_boundaries(pattern);
        let compile = |kind: MatchKind| {
            let config = Regex::config().match_kind(kind).nfa_size_limit(Some(nfa_bytes));
            Regex::builder().configure(config).build_from_hir(&pattern).map_err(|e| e.to_string())
        };
        let (first, longest) = (compile(MatchKind::LeftmostFirst)?, compile(MatchKind::All)?);
        Ok(Some(WithoutBoundaries { first, longest }))
    }

    /// Returns the range of the first match of `exact`, the whole pattern, in the bytes `from..to` of the text.
    /// Returns `None` if there is none, or if the search takes more work than is allowed.
    pub(super) fn find(
        &self,
        exact: &Regex,
        text: &str,
        mut from: usize,
        to: usize,
        work: &mut Work,
    ) -> Option<(usize, usize)> {
        loop {
            work.add(to - from);
            let start = self.first.find(Input::new(text).span(from..to))?.start();
            let here = Input::new(text).anchored(Anchored::Yes);
            work.add(to - start);
            let end = self.longest.find(here.clone().span(start..to))?.end();
            work.add(SLOW_READS * (end - start));
            if work.is_over() {
                return None;
            }
            if let Some(one) = exact.find(here.span(start..end)) {
                return Some((one.start(), one.end()));
            }
            from = text.ceil_char_boundary(start + 1);
        }
    }
}

/// Returns a pattern without its boundaries of words and without its groups.
fn without_boundaries(pattern: &Hir) -> Hir {
    let all = |parts: &[Hir]| parts.iter().map(without_boundaries).collect();
    match pattern.kind() {
        HirKind::Look(look) if is_unicode_boundary(*look) => Hir::empty(),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => {
            pattern.clone()
        }
        HirKind::Repetition(repeated) => Hir::repetition(regex_syntax::hir::Repetition {
            sub: Box::new(without_boundaries(&repeated.sub)),
            ..repeated.clone()
        }),
        HirKind::Capture(group) => without_boundaries(&group.sub),
        HirKind::Concat(parts) => Hir::concat(all(parts)),
        HirKind::Alternation(parts) => Hir::alternation(all(parts)),
    }
}

fn is_unicode_boundary(look: Look) -> bool {
    matches!(
        look,
        Look::WordUnicode
            | Look::WordUnicodeNegate
            | Look::WordStartUnicode
            | Look::WordEndUnicode
            | Look::WordStartHalfUnicode
            | Look::WordEndHalfUnicode
    )
}

#[cfg(test)]
mod tests {
    use super::WithoutBoundaries;
    use crate::detect::work::Work;
    use proptest::prelude::*;
    use regex_automata::meta::Regex;
    use regex_automata::util::syntax;

    const PATTERNS: [&str; 7] = [
        r"\b[a-z]+-(?<value>[0-9]+)\b",
        r"\ba|a.*b\b",
        r"\b\w+\B1",
        r"(a|\bab)(1|\b )?",
        r"\b{start}a+b?\b{end}|1a",
        r"(\ba*1\b)+|b",
        r"\b(a|ab|abé1)",
    ];

    proptest! {
        /// The search finds what the engine finds by following the states one by one.
        #[test]
        fn the_first_match_is_that_of_the_pattern(
            text in "[ab1 é-]{0,24}", from in 0_usize..8, which in 0..PATTERNS.len(),
        ) {
            let pattern = syntax::parse(PATTERNS[which]).expect("a pattern");
            let exact = Regex::builder().build_from_hir(&pattern).expect("a pattern");
            let other = WithoutBoundaries::of(&pattern, 1 << 20).expect("a pattern");
            let other = other.expect("a pattern with boundaries");
            let from = text.ceil_char_boundary(from.min(text.len()));
            let input = regex_automata::Input::new(&text).span(from..text.len());
            let expected = exact.find(input).map(|one| (one.start(), one.end()));
            let found = other.find(&exact, &text, from, text.len(), &mut Work::default());
            prop_assert_eq!(found, expected);
        }
    }
}
