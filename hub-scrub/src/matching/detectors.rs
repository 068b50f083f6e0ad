//! The detectors of a rule file, and the only module that calls them.
//!
//! Without it, every plan would compile detectors of its own, and plans with equal detectors could not share
//! them.

use crate::detect::{Candidates, DetectError, DetectorSet, DetectorSpec, Hit as Found, Scratch};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// A find of one detector: a range of bytes of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DetectorHit {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// The number of the detector in its [`Finder`].
    pub(crate) detector: usize,
}

impl DetectorHit {
    /// Whether this find is a part of another one, and smaller than it.
    pub(crate) fn within(&self, outer: &DetectorHit) -> bool {
        outer.start <= self.start
            && self.end <= outer.end
            && (outer.start, outer.end) != (self.start, self.end)
    }
}

/// Memory for scans. Each thread has one.
#[derive(Debug, Default)]
pub(crate) struct FindScratch {
    pub(crate) hits: Vec<DetectorHit>,
    found: Vec<Found>,
    scratch: Scratch,
}

/// All detectors that a rule file names or defines. They are compiled when the file is loaded.
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

    /// The number of a detector that the rule file defines or that is built in. `None` if there is
    /// none of this name.
    pub(crate) fn find(&mut self, name: &str) -> Option<usize> {
        if let Some(at) = self.names.iter().position(|have| have == name) {
            return Some(at);
        }
        let kind = name.parse().ok()?;
        self.add(name, DetectorSpec::built_in(kind)).ok()?;
        Some(self.names.len() - 1)
    }

    pub(crate) fn name(&self, detector: usize) -> &str {
        self.names.get(detector).map_or("", String::as_str)
    }

    pub(crate) fn spec(&self, detector: usize) -> Option<&DetectorSpec> {
        self.specs.get(detector)
    }

    /// The finder for some detectors. Their numbers must be in ascending order.
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

/// The detectors of a plan.
#[derive(Debug)]
pub(crate) struct Finder {
    /// One set of all detectors or, if there are too many for one set, one set of each.
    sets: Vec<Arc<DetectorSet>>,
}

impl Finder {
    /// Marks the bytes of a message at which a detector could find anything in a string.
    pub(crate) fn candidates(&self, message: &[u8], candidates: &mut Candidates) {
        match &self.sets[..] {
            [all] => all.candidates(message, candidates),
            _ => candidates.everywhere(),
        }
    }

    /// Whether the detectors have patterns. What a pattern searches costs steps.
    pub(crate) fn searches(&self) -> bool {
        self.sets.iter().any(|set| set.has_patterns())
    }

    /// Whether a detector could find anything in the digits of an integer, with or without a sign
    /// in front of them. With `key`, only detectors for values under that key are asked.
    #[inline]
    pub(crate) fn may_find_in(&self, key: Option<&str>, magnitude: u64) -> bool {
        match &self.sets[..] {
            [all] => all.may_have_hit(key, magnitude),
            sets => sets.iter().any(|set| set.may_have_hit(key, magnitude)),
        }
    }

    /// Runs each detector over a text by itself. Finds of different detectors may overlap, because
    /// a view that may see one of them must still hide the other. `key` is the key of the text.
    ///
    /// The patterns search at most `limit` bytes. The result is how many bytes they needed; if it
    /// is more than the limit, finds are missing.
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
            }));
        }
        scratch.spent()
    }
}
