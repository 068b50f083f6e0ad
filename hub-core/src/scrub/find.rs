//! The one place where detectors are called.
//!
//! It looks at patterns alone. The detectors that come with Hub (`DetectorSet`) are to take the
//! place of [`One`]; nothing outside of this file knows what a detector is made of.

use super::rule::DetectorRules;
use parking_lot::Mutex;
use regex::{Regex, RegexBuilder};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// What one detector found: bytes of the text it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Number of the detector in its [`Finder`].
    pub(crate) detector: usize,
}

impl Hit {
    /// Whether it is a part of another one, and less than all of it.
    pub(crate) fn within(&self, outer: &Hit) -> bool {
        outer.start <= self.start
            && self.end <= outer.end
            && (outer.start, outer.end) != (self.start, self.end)
    }
}

/// Memory for scans: one a thread.
#[derive(Debug, Default)]
pub(crate) struct FindScratch {
    pub(crate) hits: Vec<Hit>,
}

/// All detectors that a rule file names or describes, compiled when it is loaded.
#[derive(Default)]
pub(crate) struct Detectors {
    names: Vec<String>,
    each: Vec<Arc<One>>,
    /// Plans with the same detectors share one finder.
    finders: Mutex<HashMap<Vec<usize>, Arc<Finder>>>,
}

impl Detectors {
    /// Adds a detector of the user's own.
    pub(crate) fn add(&mut self, name: &str, rules: DetectorRules) -> Result<(), String> {
        self.each.push(Arc::new(One::new(rules)?));
        self.names.push(name.to_owned());
        Ok(())
    }

    /// The number of a detector, which is the user's own or one that is built in.
    pub(crate) fn find(&mut self, name: &str) -> Option<usize> {
        self.names.iter().position(|have| have == name)
    }

    pub(crate) fn name(&self, detector: usize) -> &str {
        self.names.get(detector).map_or("", String::as_str)
    }

    /// The finder of some detectors, which ascend.
    pub(crate) fn finder(&self, detectors: &[usize]) -> Arc<Finder> {
        let mut finders = self.finders.lock();
        let make = || {
            let each = detectors.iter().filter_map(|at| self.each.get(*at)).cloned();
            Arc::new(Finder(each.collect()))
        };
        finders.entry(detectors.to_vec()).or_insert_with(make).clone()
    }
}

impl fmt::Debug for Detectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.names).finish()
    }
}

/// The detectors of a plan.
#[derive(Debug)]
pub(crate) struct Finder(Vec<Arc<One>>);

impl Finder {
    /// Whether any detector finds something: the question asked of every text. `key` is the one
    /// under which the text stands.
    pub(crate) fn any(&self, key: &str, text: &str, _scratch: &mut FindScratch) -> bool {
        self.0.iter().any(|one| one.hits(key, text).next().is_some())
    }

    /// What each detector finds by itself, also where the finds of two overlap: asked only of
    /// text in which there is something. That one may be shown must not hide the other.
    pub(crate) fn each(&self, key: &str, text: &str, scratch: &mut FindScratch) {
        scratch.hits.clear();
        for (detector, one) in self.0.iter().enumerate() {
            let hits = one.hits(key, text);
            scratch.hits.extend(hits.map(|(start, end)| Hit { start, end, detector }));
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// A detector.
#[derive(Debug)]
struct One {
    pattern: Regex,
    /// One of these literals is in every text that has a find.
    literals: Option<Regex>,
    near: Option<(Vec<String>, usize)>,
    except: Vec<String>,
    except_patterns: Vec<Regex>,
}

/// How far from a find a nearby word may be unless the rule file says it, in bytes.
const NEAR: usize = 40;
/// The farthest that a rule file may say.
const FARTHEST: usize = 1000;

impl One {
    fn new(rules: DetectorRules) -> Result<Self, String> {
        let pattern = match (&rules.pattern, &rules.built_in) {
            (Some(pattern), None) => Regex::new(pattern).map_err(|error| error.to_string())?,
            (None, Some(name)) => return Err(format!("there is no detector `{name}`")),
            _ => return Err("say either `pattern` or `built_in`".into()),
        };
        if pattern.is_match("") {
            return Err("the pattern matches the empty text".into());
        }
        if let Some(check) = rules.check {
            return Err(format!("there is no check `{check}`"));
        }
        let literals: Vec<String> = rules.literals.iter().map(|text| regex::escape(text)).collect();
        let literals = (!literals.is_empty())
            .then(|| RegexBuilder::new(&literals.join("|")).case_insensitive(true).build())
            .transpose()
            .map_err(|error| error.to_string())?;
        // A pattern has no finds that are certain without words, so they are required unless said.
        let near = rules.near.filter(|near| near.required.unwrap_or(true)).map(|near| {
            let words = near.words.iter().map(|word| word.to_ascii_lowercase()).collect();
            (words, near.within.unwrap_or(NEAR).min(FARTHEST))
        });
        let except = rules.except.unwrap_or_default();
        let patterns = except.patterns.iter().map(|pattern| Regex::new(pattern));
        Ok(One {
            pattern,
            literals,
            near,
            except_patterns: patterns
                .collect::<Result<_, _>>()
                .map_err(|error| error.to_string())?,
            except: except.literals,
        })
    }

    fn hits<'t>(
        &'t self,
        key: &'t str,
        text: &'t str,
    ) -> impl Iterator<Item = (usize, usize)> + 't {
        let near = move |start: usize, end: usize| {
            let Some((words, within)) = &self.near else { return true };
            let from = text.floor_char_boundary(start.saturating_sub(*within));
            let to = text.ceil_char_boundary((end + within).min(text.len()));
            let around = [&text[from..to], key].map(str::to_ascii_lowercase);
            words.iter().any(|word| around.iter().any(|text| text.contains(word)))
        };
        let possible = self.literals.as_ref().is_none_or(|literals| literals.is_match(text));
        let text_if_possible = if possible { text } else { "" };
        let found = self.pattern.find_iter(text_if_possible).filter(move |found| {
            let text = found.as_str();
            !self.except.iter().any(|literal| literal.eq_ignore_ascii_case(text))
                && !self.except_patterns.iter().any(|pattern| pattern.is_match(text))
                && near(found.start(), found.end())
        });
        found.map(|found| (found.start(), found.end()))
    }
}
