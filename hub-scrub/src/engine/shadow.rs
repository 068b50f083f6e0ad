//! Samples of rules in shadow, and topics as logs may show them.
//!
//! Without it a rule could not be judged before it acts, or a log would show what rules hide.

use super::shadow_sample::ShadowSample;
use super::state::Scratch;
use crate::matching::FindScratch;
use crate::plan::{Plan, RuleKind};

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
