use super::super::engine::{Scratch, Verdict};
use super::super::plan::Plan;
use super::error::Faults;
use super::message::encode;
use super::{Mode, Rule, Shared, raw};
use crate::topic::TopicName;
use crate::wire::{Limits, walk_all};
use std::sync::Arc;

/// Runs a rule's tests: it alone, enforced, on each of them.
pub(super) fn run(
    rule: &Arc<Rule>,
    tests: &raw::Tests,
    shared: &Arc<Shared>,
    faults: &mut Faults<'_>,
    at: usize,
) {
    let key = |what: &str| format!("rule.{}.tests.{what}", rule.name);
    for (what, list) in [("hits", &tests.hits), ("misses", &tests.misses)] {
        if list.is_empty() {
            faults.add(at, key(what), format!("a rule has at least one test in `{what}`"));
        }
    }
    let named = rule.topics.iter().find_map(crate::topic::TopicFilter::as_name);
    let Some(topic) = named.or_else(|| TopicName::parse("test").ok()) else { return };
    let name = rule.name.clone();
    let plan = Plan::build(&topic, vec![(rule.clone(), Mode::Enforce)], shared.clone());
    let mut scratch = Scratch::default();
    let expected = tests.hits.iter().map(|test| (test, true, "hits"));
    let expected = expected.chain(tests.misses.iter().map(|test| (test, false, "misses")));
    for (n, (test, hit, list)) in expected.enumerate() {
        let n = if hit { n } else { n - tests.hits.len() };
        let key = || format!("rule.{name}.tests.{list}[{n}]");
        let mut message = Vec::new();
        if let Err(error) = encode(test, &mut message) {
            faults.add(at, key(), error);
            continue;
        }
        if walk_all(&message, &Limits::NONE).is_err() {
            faults.add(at, key(), "nested too deep");
            continue;
        }
        let verdict = plan.scrub(&message, None, &mut scratch);
        let found = scratch.applied().any(|applied| applied.hits > 0);
        match verdict {
            Verdict::Quarantine(quarantine) if !quarantine.by_rule() => {
                faults.add(at, key(), format!("cannot be tested: {}", quarantine.reason));
            }
            _ if found && !hit => faults.add(at, key(), "the rule applies to it, but should not"),
            _ if !found && hit => faults.add(at, key(), "the rule does not apply to it"),
            _ => {}
        }
    }
}
