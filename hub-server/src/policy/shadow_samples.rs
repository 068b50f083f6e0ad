//! Logs what rules in shadow mode would do, from time to time and without any value. Without these log lines,
//! nobody could judge a rule before it acts.

use hub_scrub::{Plan, Scratch};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// A rule is logged at most once in this time. The metrics count every find.
const EVERY: Duration = Duration::from_secs(10);

/// Holds the time at which each rule in shadow mode was logged last. A rule file has at most 256
/// rules, so there are few entries.
#[derive(Debug, Default)]
pub(crate) struct ShadowSamples(Mutex<HashMap<String, Instant>>);

impl ShadowSamples {
    /// Returns whether this rule may be logged again.
    pub(crate) fn is_due(&self, rule: &str) -> bool {
        self.0.lock().get(rule).is_none_or(|last| last.elapsed() >= EVERY)
    }

    /// Logs the path of a find for each rule that would have acted on this event and may be logged
    /// again.
    pub(crate) fn log(
        &self,
        plan: &Plan,
        payload: &[u8],
        headers: Option<&[u8]>,
        scratch: &mut Scratch,
    ) {
        for sample in plan.shadow_samples(payload, headers, scratch) {
            let rule = plan.rule_name(sample.rule);
            // Another thread may have logged the rule meanwhile.
            let mut last = self.0.lock();
            if last.get(rule).is_some_and(|last| last.elapsed() < EVERY) {
                continue;
            }
            last.insert(rule.to_owned(), Instant::now());
            drop(last);
            tracing::info!(
                rule,
                action = plan.action_name(sample.rule),
                topic = plan.topic_for_logs(),
                path = sample.path,
                value = sample.shape,
                "in shadow: would have acted"
            );
        }
    }
}
