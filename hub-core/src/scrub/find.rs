//! The one place where detectors are called.

use super::rule::DetectorRules;
use regex::Regex;

/// What one detector found: bytes of the text it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Number of the detector in its [`Finder`].
    pub(crate) detector: usize,
}

/// How far from a find a nearby word may be, in bytes.
const NEAR: usize = 64;

/// A detector, as a rule file names or describes it.
#[derive(Debug, Clone)]
pub(crate) struct DetectorSpec {
    name: String,
    pattern: Regex,
    near: Vec<String>,
    suppress: Vec<String>,
}

impl DetectorSpec {
    /// A detector of the user's own.
    pub(crate) fn of_user(name: &str, raw: DetectorRules) -> Result<Self, String> {
        let pattern = Regex::new(&raw.pattern).map_err(|error| error.to_string())?;
        if pattern.is_match("") {
            return Err("the pattern matches the empty text".into());
        }
        if let Some(check) = raw.check {
            return Err(format!("there is no check `{check}`"));
        }
        let near = raw.near.iter().map(|word| word.to_ascii_lowercase()).collect();
        Ok(DetectorSpec { name: name.to_owned(), pattern, near, suppress: raw.suppress })
    }

    /// A detector that is built in.
    pub(crate) fn named(_name: &str) -> Option<Self> {
        None
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    fn hits<'t>(&self, text: &'t str) -> impl Iterator<Item = (usize, usize)> + use<'_, 't> {
        let counts = move |start: usize, end: usize| {
            let found = &text[start..end];
            let around = &text[text.floor_char_boundary(start.saturating_sub(NEAR))
                ..text.ceil_char_boundary((end + NEAR).min(text.len()))];
            let near = |word: &String| around.to_ascii_lowercase().contains(word);
            !self.suppress.iter().any(|text| text == found)
                && (self.near.is_empty() || self.near.iter().any(near))
        };
        self.pattern
            .find_iter(text)
            .map(|found| (found.start(), found.end()))
            .filter(move |(start, end)| counts(*start, *end))
    }
}

/// The detectors of a plan.
#[derive(Debug)]
pub(crate) struct Finder(Vec<DetectorSpec>);

impl Finder {
    pub(crate) fn new(specs: Vec<DetectorSpec>) -> Self {
        Finder(specs)
    }

    /// Whether any detector finds something: the question asked of every text.
    pub(crate) fn any(&self, text: &str) -> bool {
        self.0.iter().any(|spec| spec.hits(text).next().is_some())
    }

    /// What each detector finds by itself, also where the finds of two overlap: asked only of
    /// text in which there is something. That one may be shown must not hide the other.
    pub(crate) fn each(&self, text: &str, hits: &mut Vec<Hit>) {
        hits.clear();
        for (detector, spec) in self.0.iter().enumerate() {
            hits.extend(spec.hits(text).map(|(start, end)| Hit { start, end, detector }));
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
