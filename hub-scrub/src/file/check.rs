//! Runs the tests of a rule when it is loaded.
//!
//! Without them a rule that finds nothing, or everything, would be noticed only in production.

use super::error::ErrorCollector;
use super::message::encode;
use super::raw;
use crate::engine::{Quarantine, QuarantineReason, Scratch, Verdict};
use crate::model::Mode;
use crate::plan::{Plan, Rule, SharedParts};
use hub_wire::{Limits, TopicName, check_headers, walk_all};
use std::sync::Arc;

/// Runs the tests of a rule. On each test the rule runs alone and in the mode `enforce`. A message
/// that it hits must also settle under all rules of its topic together.
pub(super) fn run(
    rule: &Arc<Rule>,
    all: &[Arc<Rule>],
    tests: &raw::Tests,
    shared: &Arc<SharedParts>,
    faults: &mut ErrorCollector<'_>,
    at: usize,
) {
    if tests.skipped {
        return;
    }
    let key = |what: &str| format!("rule.{}.tests.{what}", rule.name);
    for (what, list) in [("hits", &tests.hits), ("misses", &tests.misses)] {
        if list.is_empty() {
            faults.add(at, key(what), format!("a rule has at least one test in `{what}`"));
        }
    }
    let named = rule.topics.iter().find_map(hub_wire::TopicFilter::as_name);
    let Some(topic) = named.or_else(|| TopicName::parse("test").ok()) else { return };
    let name = rule.name.clone();
    let plan = Plan::build(&topic, vec![(rule.clone(), Mode::Enforce)], shared.clone());
    let others = all.iter().filter(|rule| rule.topics.iter().any(|filter| filter.matches(&topic)));
    let together = others.map(|rule| (rule.clone(), Mode::Enforce)).collect();
    let together = Plan::build(&topic, together, shared.clone());
    let mut scratch = Scratch::default();
    let expected = tests.hits.iter().map(|test| (test, true, "hits"));
    let expected = expected.chain(tests.misses.iter().map(|test| (test, false, "misses")));
    for (n, (test, hit, list)) in expected.enumerate() {
        let n = if hit { n } else { n - tests.hits.len() };
        let key = || format!("rule.{name}.tests.{list}[{n}]");
        let message = match Message::of(test) {
            Ok(message) => message,
            Err(error) => {
                faults.add(at, key(), error);
                continue;
            }
        };
        let verdict = message.scrub(&plan, &mut scratch);
        let found = scratch.applied().any(|applied| applied.hits > 0);
        match verdict {
            Verdict::Quarantine(quarantine) if !quarantine.by_rule() => {
                faults.add(at, key(), format!("cannot be tested: {}", quarantine.reason));
            }
            _ if found && !hit => faults.add(at, key(), "the rule applies to it, but should not"),
            _ if !found && hit => faults.add(at, key(), "the rule does not apply to it"),
            _ => {}
        }
        let unsettled = Quarantine { rule: None, reason: QuarantineReason::Unsettled };
        match message.scrub(&together, &mut scratch) {
            Verdict::Quarantine(reason) if reason == unsettled => {
                faults.add(at, key(), "under all rules together it never comes to rest");
            }
            _ => {}
        }
    }
}

/// A test as the engine gets it.
struct Message {
    payload: Vec<u8>,
    headers: Option<Vec<u8>>,
}

impl Message {
    /// Reads a test. A test is a payload, or it is an event: a table with `$headers` and perhaps
    /// `$payload`.
    fn of(test: &toml::Value) -> Result<Message, String> {
        let value = |value: &toml::Value| {
            let mut out = Vec::new();
            encode(value, &mut out)?;
            walk_all(&out, &Limits::NONE).map_err(|error| error.to_string())?;
            Ok::<_, String>(out)
        };
        let Some(headers) = test.get("$headers") else {
            return Ok(Message { payload: value(test)?, headers: None });
        };
        let payload = test.get("$payload").map_or_else(|| Ok(vec![0xc0]), value)?;
        let headers = value(headers)?;
        check_headers(&headers, &Limits::NONE).map_err(|error| error.to_string())?;
        Ok(Message { payload, headers: Some(headers) })
    }

    fn scrub(&self, plan: &Plan, scratch: &mut Scratch) -> Verdict {
        plan.scrub(&self.payload, self.headers.as_deref(), scratch)
    }
}
