//! This module returns samples of rules in shadow mode, reports of finds, and the form in which logs may show a topic.
//!
//! Without it, nobody could judge a rule before it acts, and logs would show what rules hide.

use super::find_report::{FindReport, FindReports};
use super::scratch::Scratch;
use super::shadow_sample::ShadowSample;
use crate::matching::FindScratch;
use crate::plan::{Plan, RuleSet};
use hub_wire::TopicName;

impl RuleSet {
    /// Returns whether a rule finds something in the name of a topic, even a rule in shadow mode. Logs and
    /// metrics must not show such a name.
    ///
    /// Only the rules that check names are compiled for that, so there are few combinations of them, and the
    /// answer costs little for each of a million topics.
    #[must_use]
    pub fn hides_topic(&self, topic: &TopicName) -> bool {
        let checks = |n: &usize| self.rules[*n].checks_topic() && self.rules[*n].applies_to(topic);
        let mut rules = (0..self.rules.len()).filter(checks).peekable();
        rules.peek().is_some() && self.plan_of(topic, rules).topic_for_logs() != topic.as_str()
    }
}

impl Plan {
    /// Returns the first find of each rule in shadow mode that applies to this event. It scrubs the event a
    /// second time, so call it rarely. What the scrub has left of the budget of the event pays for that, so a
    /// costly event may have no samples.
    #[must_use]
    pub fn shadow_samples(
        &self,
        payload: &[u8],
        headers: Option<&[u8]>,
        scratch: &mut Scratch,
    ) -> Vec<ShadowSample> {
        // What is left of the budget of the event pays for this pass.
        let mut steps = self.budget_of(payload, headers);
        steps.add(scratch.steps());
        let pass_scratch = &mut scratch.again;
        pass_scratch.samples = Some(Vec::new());
        pass_scratch.begin_budget(steps);
        // The result of this pass does not matter: the first scrub of the event has reported it.
        let _ = self.pass(payload, headers, pass_scratch, &mut []);
        pass_scratch.samples.take().unwrap_or_default()
    }

    /// Returns what the rules find in this event as it came, at most 1,000 finds. It goes over the event a second
    /// time, so call it only where somebody wants to know. A rule that ends the message ends the list.
    #[must_use]
    pub fn find_reports(
        &self,
        payload: &[u8],
        headers: Option<&[u8]>,
        scratch: &mut Scratch,
    ) -> Vec<FindReport> {
        let pass_scratch = &mut scratch.again;
        pass_scratch.reports = Some(FindReports::default());
        pass_scratch.begin_budget(self.budget_of(payload, headers));
        // The result of this pass does not matter: the scrub of the event has reported it.
        let _ = self.pass(payload, headers, pass_scratch, &mut []);
        pass_scratch.reports.take().unwrap_or_default().0
    }

    /// Returns the topic as logs may show it. The result is `*` if a rule finds something in the topic's
    /// name, even if that rule is in shadow mode.
    #[must_use]
    pub fn topic_for_logs(&self) -> &str {
        let mut scratch = FindScratch::default();
        self.finder.find("", self.topic.as_str(), u64::MAX, &mut scratch);
        let rules = scratch.hits.iter().flat_map(|hit| self.wanted[hit.detector].iter());
        let checks = |rule: usize| self.rules[rule].rule.checks_topic();
        if rules.into_iter().any(checks) { "*" } else { self.topic.as_str() }
    }
}
