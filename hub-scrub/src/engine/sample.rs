use super::super::find::FindScratch;
use super::super::plan::Plan;
use super::super::rule::RuleKind;
use super::super::shape::name;
use super::super::token::read;
use super::pass::Pass;
use super::state::{Scratch, Work};

/// Where a rule in shadow would have acted, without any value: for logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShadowSample {
    /// The rule's number in its plan.
    pub rule: usize,
    /// Where in the event. Keys that no rule names are `*`.
    pub path: String,
    /// The type and length of what is there, such as `str(16)`.
    pub shape: String,
}

impl Plan {
    /// Of each rule in shadow that applies to this event, the first place. It goes over the event
    /// a second time, so ask seldom.
    #[must_use]
    pub fn shadow_samples(
        &self,
        payload: &[u8],
        headers: Option<&[u8]>,
        scratch: &mut Scratch,
    ) -> Vec<ShadowSample> {
        let work = &mut scratch.again;
        work.samples = Some(Vec::new());
        // How it ends is of no concern here: that was said when the event was scrubbed.
        let _ = self.pass(payload, headers, work, &mut []);
        work.samples.take().unwrap_or_default()
    }

    /// The topic, to be shown to people: `*` if a rule finds something in its name, in shadow or
    /// not.
    #[must_use]
    pub fn topic_for_logs(&self) -> &str {
        let mut scratch = FindScratch::default();
        self.finder.find("", self.topic.as_str(), u64::MAX, &mut scratch);
        let rules = scratch.hits.iter().flat_map(|hit| self.wanted[hit.detector].iter());
        let in_topic = |rule: usize| match &self.rules[rule].rule.kind {
            RuleKind::Find(find) => find.in_topic,
            _ => false,
        };
        if rules.into_iter().any(in_topic) { "*" } else { self.topic.as_str() }
    }
}

impl Work {
    pub(super) fn sample(&mut self, rule: usize, what: impl FnOnce() -> (String, String)) {
        let Some(samples) = &mut self.samples else { return };
        if samples.iter().all(|sample| sample.rule != rule) {
            let (path, shape) = what();
            samples.push(ShadowSample { rule, path, shape });
        }
    }
}

impl Pass<'_> {
    /// Notes where the pass is. `#[cold]`: almost no event is sampled.
    #[cold]
    pub(super) fn sample(&mut self, rule: usize) {
        let (path, shape) = (self.path(), shape(&self.bytes[self.at..]));
        self.work.sample(rule, || (path, shape));
    }
}

/// The shape of the value with which the bytes begin.
pub(super) fn shape(bytes: &[u8]) -> String {
    read(bytes, 0).map_or_else(String::new, |(token, _)| name(&token))
}
