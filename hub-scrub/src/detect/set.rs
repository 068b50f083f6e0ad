//! This module compiles built-ins and patterns into a set of detectors, which scans a text for all of them.
//!
//! Without it, a text would be scanned once for each detector.

use super::candidates::Candidates;
use super::detector::Detector;
use super::evidence::{Confidence, Evidence};
use super::fold::Folded;
use super::hit::{Hit, resolve};
use super::kinds::BuiltIn;
use super::number::{self, DigitFinds, Digits};
use super::pattern::Pattern;
use super::scan;
use super::scan_kinds::ScanKinds;
use super::spec::{DetectError, DetectErrorKind, DetectorSpec, Find};
use super::text_match::Match;
use super::work::Work;
use aho_corasick::AhoCorasick;

/// A scan costs this many reads for each text, however short it is.
const TEXT_READS: usize = 128;
/// A match costs this many reads until it is known whether it is a hit, besides those for its words.
const JUDGE_READS: usize = 16;
/// A hit costs this many reads until it is sorted among the other hits.
const HIT_READS: usize = 160;
/// A byte costs this many reads when it is searched for literals, and so does each literal that is found.
const LITERAL_READS: usize = 4;

/// `Scratch` is the memory for scans, which is reused. Each thread has one.
#[derive(Debug, Default)]
pub struct Scratch {
    folded: Folded,
    /// The entry at the index of a pattern says whether the pattern has to be tried.
    tried: Vec<bool>,
    hits: Vec<Hit>,
    work: Work,
}

impl Scratch {
    /// Limits how many reads detectors may take from now on. A byte costs one read each time that a detector
    /// reads it, and what a search does besides costs reads, too. Without a call to this method, there is no
    /// limit.
    pub fn limit(&mut self, reads: u64) {
        self.work = Work::up_to(reads);
    }

    /// Returns how many reads detectors have taken since [`limit`](Self::limit). If the number is greater than
    /// the limit, the detectors have stopped early, and there may be more to find.
    #[must_use]
    pub fn spent(&self) -> u64 {
        self.work.done
    }
}

/// A `DetectorSet` is a compiled set of detectors. It is compiled once and shared by threads.
#[derive(Debug, Clone)]
pub struct DetectorSet {
    detectors: Vec<Detector>,
    kinds: ScanKinds,
    /// The entry at the discriminant of a built-in has the detectors that use it.
    of_kind: Vec<Vec<u16>>,
    patterns: Vec<(u16, Pattern)>,
    literals: Option<Literals>,
}

/// `Literals` has the literals of all patterns in one automaton.
#[derive(Debug, Clone)]
struct Literals {
    automaton: AhoCorasick,
    /// The entry at the index of a literal is the index of its pattern.
    pattern: Vec<usize>,
    /// The entry at the index of a pattern says whether the pattern has no literals and is always tried.
    always: Vec<bool>,
}

impl DetectorSet {
    /// Compiles the specifications. A [`Hit::detector`] is an index into them.
    ///
    /// # Errors
    /// The error names the first specification that is wrong, and says why.
    pub fn new(specs: &[DetectorSpec]) -> Result<DetectorSet, DetectError> {
        let mut of_kind = vec![Vec::new(); BuiltIn::ALL.len()];
        let mut detectors = Vec::new();
        let mut patterns = Vec::new();
        let mut literals: Vec<&[String]> = Vec::new();
        for (index, spec) in specs.iter().enumerate() {
            let wrong = |kind| DetectError { index, kind };
            let detector = u16::try_from(index).map_err(|_| wrong(DetectErrorKind::TooMany))?;
            match &spec.find {
                Find::BuiltIn(kind) => of_kind[*kind as usize].push(detector),
                Find::Pattern { pattern, literals: words, check } => {
                    if words.iter().any(String::is_empty) {
                        return Err(wrong(DetectErrorKind::Empty("literals")));
                    }
                    patterns.push((detector, Pattern::new(pattern, *check).map_err(wrong)?));
                    literals.push(words);
                }
            }
            detectors.push(Detector::new(spec).map_err(wrong)?);
        }
        let kinds = BuiltIn::ALL.iter().copied().filter(|kind| !of_kind[*kind as usize].is_empty());
        let literals = Literals::new(&literals)
            .map_err(|kind| DetectError { index: specs.len().saturating_sub(1), kind })?;
        Ok(DetectorSet { detectors, kinds: ScanKinds::new(kinds), of_kind, patterns, literals })
    }

    /// Collects the bytes of `message` at which detectors could find anything. `message` must be MessagePack.
    /// The text of a `fixstr` or `str 8` has no hit unless [`Candidates::any`] returns true for it.
    pub fn candidates(&self, message: &[u8], candidates: &mut Candidates) {
        self.candidates_up_to(u64::MAX, message, candidates);
    }

    /// Collects the bytes as [`candidates`](Self::candidates) does. If that takes more than `limit` reads, it
    /// ends early, and every byte is a candidate.
    pub(crate) fn candidates_up_to(&self, limit: u64, message: &[u8], candidates: &mut Candidates) {
        candidates.clear(limit);
        if self.literals.as_ref().is_some_and(|literals| literals.always.contains(&true)) {
            candidates.everywhere();
            return;
        }
        if !candidates.collect(message, &self.kinds) {
            candidates.everywhere();
            return;
        }
        if let Some(literals) = self.literals.as_ref().filter(|some| !some.pattern.is_empty()) {
            candidates.work.add(LITERAL_READS * message.len());
            for found in literals.automaton.find_overlapping_iter(message) {
                candidates.work.add(LITERAL_READS);
                candidates.set(found.start());
                if candidates.work.is_over() {
                    candidates.everywhere();
                    return;
                }
            }
        }
    }

    /// Returns whether any detector of the set is a pattern.
    pub fn has_patterns(&self) -> bool {
        !self.patterns.is_empty()
    }

    /// Returns whether the decimal digits of an integer could have a hit, with or without a sign in front.
    /// With `key`, the digits are searched alone and under this key.
    #[inline]
    pub fn may_have_hit(&self, key: Option<&str>, magnitude: u64) -> bool {
        !self.patterns.is_empty()
            || match number::digit_finds(self.kinds.kinds, magnitude) {
                DigitFinds::Nothing => false,
                DigitFinds::Possible(kinds) => {
                    key.is_none_or(|key| self.may_be_hit_under(kinds, key))
                }
                DigitFinds::Anything => true,
            }
    }

    /// Returns whether a possible match of these built-ins under a key is a hit.
    fn may_be_hit_under(&self, kinds: u64, key: &str) -> bool {
        let kinds = self.of_kind.iter().enumerate().filter(|(kind, _)| kinds >> kind & 1 == 1);
        let detectors = kinds.flat_map(|(_, detectors)| detectors);
        let mut detectors = detectors.map(|detector| &self.detectors[usize::from(*detector)]);
        detectors.any(|one| one.from == Confidence::Possible || one.is_named_by(key))
    }

    /// Appends the hits in `text` to `hits`.
    pub fn scan(&self, text: &str, scratch: &mut Scratch, hits: &mut Vec<Hit>) {
        self.scan_under("", text, scratch, hits);
    }

    /// Appends the hits in `text` to `hits`. `key` is the key of the text. The key may say what
    /// a doubtful match is.
    pub fn scan_under(&self, key: &str, text: &str, scratch: &mut Scratch, hits: &mut Vec<Hit>) {
        let from = hits.len();
        self.scan_all(key, text, scratch, hits);
        resolve(hits, from);
    }

    /// Appends the hits that each detector would have alone, in the order of the detectors. Hits of two
    /// detectors may overlap. `key` is the key of the text, as in [`scan_under`](Self::scan_under).
    pub fn scan_each(&self, key: &str, text: &str, scratch: &mut Scratch, hits: &mut Vec<Hit>) {
        let from = hits.len();
        self.scan_all(key, text, scratch, hits);
        if hits.len() - from < 2 {
            return;
        }
        let mut all = std::mem::take(&mut scratch.hits);
        all.clear();
        all.extend(hits.drain(from..));
        all.sort_unstable_by_key(|hit| hit.detector);
        for of_one in all.chunk_by(|a, b| a.detector == b.detector) {
            let from = hits.len();
            hits.extend_from_slice(of_one);
            resolve(hits, from);
        }
        scratch.hits = all;
    }

    /// Appends all hits, in no particular order. They may overlap.
    fn scan_all(&self, key: &str, text: &str, scratch: &mut Scratch, hits: &mut Vec<Hit>) {
        let from = hits.len();
        scratch.work.add(TEXT_READS);
        if text.is_ascii() || !scratch.folded.fold(text, &mut scratch.work) {
            self.find(key, text, &mut scratch.tried, &mut scratch.work, hits);
        } else {
            let Scratch { folded, tried, work, .. } = scratch;
            self.find(key, &folded.text, tried, work, hits);
            for hit in &mut hits[from..] {
                (hit.start, hit.end) = folded.original(text, hit.start, hit.end);
            }
        }
    }

    /// Returns the detector for which all decimal digits of `value` together are a hit. If there are several,
    /// it returns the one that is named first. An integer has no leading zeros, so numbers with leading zeros
    /// are not found.
    pub fn scan_uint(&self, key: &str, value: u64, scratch: &mut Scratch) -> Option<u16> {
        let digits = Digits::new(value, false);
        let text = digits.as_str();
        let Scratch { tried, hits, work, .. } = scratch;
        hits.clear();
        self.find(key, text, tried, work, hits);
        let whole = hits.iter().filter(|hit| hit.start == 0 && hit.end == text.len());
        whole.map(|hit| hit.detector).min()
    }

    /// Appends the hits in a folded text, in the order in which they are found.
    fn find(
        &self,
        key: &str,
        text: &str,
        tried: &mut Vec<bool>,
        work: &mut Work,
        hits: &mut Vec<Hit>,
    ) {
        if self.kinds.any() {
            scan::run(text, &self.kinds, work, |kind, found, work| {
                for &detector in &self.of_kind[kind as usize] {
                    self.judge(detector, key, text, found, work, hits);
                }
            });
        }
        let Some(literals) = &self.literals else { return };
        literals.select(text, tried, work);
        for ((detector, pattern), _) in self.patterns.iter().zip(tried).filter(|(_, tried)| **tried)
        {
            pattern.find(text, work, |start, end, work| {
                let found = Match { start, end, evidence: Evidence::PATTERN };
                self.judge(*detector, key, text, found, work, hits);
            });
        }
    }

    /// Makes a match a hit, unless it is not sure enough or an exception.
    fn judge(
        &self,
        detector: u16,
        key: &str,
        text: &str,
        found: Match,
        work: &mut Work,
        hits: &mut Vec<Hit>,
    ) {
        work.add(JUDGE_READS);
        let Match { start, end, .. } = found;
        let rules = &self.detectors[usize::from(detector)];
        let Some(evidence) = rules.weigh(key, text, &found, work) else { return };
        if !rules.excepts(&text[start..end], work) {
            work.add(HIT_READS);
            hits.push(Hit { start, end, detector, evidence });
        }
    }
}

impl Literals {
    /// Compiles the literals. Returns `None` if there are no patterns.
    fn new(of_patterns: &[&[String]]) -> Result<Option<Literals>, DetectErrorKind> {
        if of_patterns.is_empty() {
            return Ok(None);
        }
        let mut pattern = Vec::new();
        let mut words = Vec::new();
        for (i, literals) in of_patterns.iter().enumerate() {
            words.extend(literals.iter());
            pattern.resize(words.len(), i);
        }
        let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(&words);
        let always = of_patterns.iter().map(|literals| literals.is_empty()).collect();
        let automaton = automaton.map_err(DetectErrorKind::Words)?;
        Ok(Some(Literals { automaton, pattern, always }))
    }

    /// Notes in `tried` which patterns have to be tried on `text`.
    fn select(&self, text: &str, tried: &mut Vec<bool>, work: &mut Work) {
        tried.clone_from(&self.always);
        if self.pattern.is_empty() {
            return;
        }
        work.add(LITERAL_READS * text.len());
        for found in self.automaton.find_overlapping_iter(text) {
            work.add(LITERAL_READS);
            if work.is_over() {
                return;
            }
            tried[self.pattern[found.pattern().as_usize()]] = true;
        }
    }
}
