//! This module has the detectors of a rule file. No other module calls them.
//!
//! Without it, every plan would compile detectors of its own, and plans with equal detectors could not share
//! them.

use crate::detect::{
    ANY_WORD, BuiltIn, Candidates, Confidence, DetectError, DetectorSet, DetectorSpec, Evidence,
    Hit as Found, Scratch,
};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Words are searched in keys of at most this many bytes. All values of an array have the key of the array, so
/// a longer key would be searched for each of them.
const LONGEST_KEY: usize = 128;

/// Returns a key as the text in which detectors search their words. A key that is too long counts as if it had
/// every word, so that no find is lost.
pub(crate) fn key_as_text(key: &[u8]) -> &str {
    if key.len() > LONGEST_KEY {
        return ANY_WORD;
    }
    std::str::from_utf8(key).unwrap_or_default()
}

/// A byte of a key costs this many reads when the key is searched for the words of all detectors.
const KEY_READS: u64 = 16;

/// A `DetectorHit` is a find of one detector. `start` and `end` are offsets in the text, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DetectorHit {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// The detector has this number in its [`Finder`].
    pub(crate) detector: usize,
    pub(crate) evidence: Evidence,
}

impl DetectorHit {
    /// Returns whether this find is a part of the other find and smaller than it.
    pub(crate) fn within(&self, outer: &DetectorHit) -> bool {
        outer.start <= self.start
            && self.end <= outer.end
            && (outer.start, outer.end) != (self.start, self.end)
    }
}

/// `FindScratch` is the memory for scans. Each thread reuses one. After a scan, `hits` has the finds.
#[derive(Debug, Default)]
pub(crate) struct FindScratch {
    pub(crate) hits: Vec<DetectorHit>,
    found: Vec<Found>,
    scratch: Scratch,
}

/// `Detectors` has all detectors that a rule file names or defines. They are compiled when the file is
/// loaded. The number of a detector is its index in `names`, `specs` and `each`.
#[derive(Default)]
pub(crate) struct Detectors {
    names: Vec<String>,
    specs: Vec<DetectorSpec>,
    each: Vec<Arc<DetectorSet>>,
    /// Plans with the same detectors share one finder.
    finders: Mutex<HashMap<Vec<usize>, Arc<Finder>>>,
}

impl Detectors {
    /// Adds a detector that the rule file defines.
    pub(crate) fn add(&mut self, name: &str, spec: DetectorSpec) -> Result<(), DetectError> {
        self.each.push(Arc::new(DetectorSet::new(std::slice::from_ref(&spec))?));
        self.specs.push(spec);
        self.names.push(name.to_owned());
        Ok(())
    }

    /// Returns the number of the detector that has this name and reports matches that are at least as sure as
    /// `from`. Adds the detector if it is built in, or if it was added with another confidence. Returns `None` if
    /// no detector has the name.
    pub(crate) fn find(&mut self, name: &str, from: Confidence) -> Option<usize> {
        let mut named = (0..self.names.len()).filter(|at| self.names[*at] == name).peekable();
        let first = named.peek().copied();
        if let Some(at) = named.find(|at| self.specs[*at].from == from) {
            return Some(at);
        }
        let spec = match first {
            Some(at) => self.specs[at].clone(),
            None => DetectorSpec::built_in(name.parse().ok()?),
        };
        self.add(name, spec.from(from)).ok()?;
        Some(self.names.len() - 1)
    }

    /// Returns the names of all detectors: those of the rule file, and those that are built in.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let built_in = BuiltIn::ALL.iter().map(|kind| kind.name());
        self.names.iter().map(String::as_str).chain(built_in)
    }

    /// Returns the name of the detector with this number.
    pub(crate) fn name(&self, detector: usize) -> &str {
        self.names.get(detector).map_or("", String::as_str)
    }

    /// Returns the specification of the detector with this number.
    pub(crate) fn spec(&self, detector: usize) -> Option<&DetectorSpec> {
        self.specs.get(detector)
    }

    /// Returns the finder for some detectors. Their numbers must be in ascending order.
    pub(crate) fn finder(&self, detectors: &[usize]) -> Arc<Finder> {
        let mut finders = self.finders.lock();
        let make = || {
            let specs = detectors.iter().filter_map(|at| self.specs.get(*at)).cloned();
            let sets = match DetectorSet::new(&specs.collect::<Vec<_>>()) {
                Ok(all) => vec![Arc::new(all)],
                Err(_) => detectors.iter().filter_map(|at| self.each.get(*at)).cloned().collect(),
            };
            Arc::new(Finder { sets })
        };
        finders.entry(detectors.to_vec()).or_insert_with(make).clone()
    }
}

impl fmt::Debug for Detectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.names).finish()
    }
}

/// A `Finder` has the compiled detectors of one or more plans.
#[derive(Debug)]
pub(crate) struct Finder {
    /// All detectors are in one set. If they are too many for one set, each detector has its own set.
    sets: Vec<Arc<DetectorSet>>,
}

impl Finder {
    /// Notes in `candidates` at which bytes of a message a detector could find anything in a string. If that
    /// takes more than `limit` reads, everything is a candidate.
    pub(crate) fn candidates(&self, message: &[u8], limit: u64, candidates: &mut Candidates) {
        match &self.sets[..] {
            [all] => all.candidates_up_to(limit, message, candidates),
            _ => {
                candidates.clear(limit);
                candidates.everywhere();
            }
        }
    }

    /// Returns whether any detector has a pattern.
    pub(crate) fn searches(&self) -> bool {
        self.sets.iter().any(|set| set.has_patterns())
    }

    /// Returns whether a detector could find anything in the digits of an integer, with or without a sign
    /// in front of them. With `key`, a match that is only possible counts only if that key names what it is. A
    /// search in the key adds its reads to `reads`.
    #[inline]
    pub(crate) fn may_find_in(&self, key: Option<&str>, magnitude: u64, reads: &mut u64) -> bool {
        *reads += key.map_or(0, |key| KEY_READS * key.len() as u64);
        match &self.sets[..] {
            [all] => all.may_have_hit(key, magnitude),
            sets => sets.iter().any(|set| set.may_have_hit(key, magnitude)),
        }
    }

    /// Runs each detector over a text by itself. Finds of different detectors may overlap, because
    /// a view that may see one find must still hide the other. `key` is the key of the text.
    ///
    /// The detectors take about `limit` reads at most. The result is how many reads they took. If it is more
    /// than the limit, finds are missing.
    pub(crate) fn find(&self, key: &str, text: &str, limit: u64, scratch: &mut FindScratch) -> u64 {
        let FindScratch { hits, found, scratch } = scratch;
        hits.clear();
        scratch.limit(limit);
        for (n, set) in self.sets.iter().enumerate() {
            found.clear();
            set.scan_each(key, text, scratch, found);
            hits.extend(found.iter().map(|hit| DetectorHit {
                start: hit.start,
                end: hit.end,
                detector: n + usize::from(hit.detector),
                evidence: hit.evidence,
            }));
        }
        scratch.spent()
    }
}
