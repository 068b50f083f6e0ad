//! Lets the rules scrub one event, and counts the rules that applied. A scrubber that panics costs
//! one event, and nothing else.

use super::checked_event::{EventRefusal, FollowUp, Scrubbed};
use crate::policy::rules::Rules;
use crate::telemetry::metrics::Metrics;
use hub_scrub::{Plan, Scratch, Verdict};
use hub_wire::{EventFrame, RefusedCode};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The scrub of an event takes at most this many steps on the thread of its session, which is less than a
/// millisecond. The usual messages take far fewer.
const STEPS_OF_A_SESSION: u64 = 64_000;
/// An event of this many bytes is not even tried there. It would often take more, and then all of it again.
const LARGE_EVENT: usize = 32 * 1024;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Scrubs an event, if that takes so little time that a session may do it on its own thread.
pub(super) fn scrub_if_cheap(
    plan: &Plan,
    event: &EventFrame<'_>,
    rules: &Rules,
    metrics: &Metrics,
) -> Option<Scrubbed> {
    let bytes = event.payload.len() + event.headers.map_or(0, <[u8]>::len);
    if bytes >= LARGE_EVENT {
        return None;
    }
    SCRATCH.with_borrow_mut(|scratch| {
        let verdict = guarded(scratch, |scratch| {
            plan.scrub_up_to(STEPS_OF_A_SESSION, event.payload, event.headers, scratch)
        });
        let verdict = verdict.transpose();
        let scrubbed =
            verdict.map(|verdict| decide(verdict?, plan, event, rules, metrics, scratch));
        scratch.trim();
        scrubbed
    })
}

/// Scrubs an event, whatever it costs.
pub(super) fn scrub(
    plan: &Plan,
    event: &EventFrame<'_>,
    rules: &Rules,
    metrics: &Metrics,
) -> Scrubbed {
    SCRATCH.with_borrow_mut(|scratch| {
        let verdict = guarded(scratch, |scratch| plan.scrub(event.payload, event.headers, scratch));
        let scrubbed =
            verdict.and_then(|verdict| decide(verdict, plan, event, rules, metrics, scratch));
        scratch.trim();
        scrubbed
    })
}

/// Runs a scrub. A user's own scrubber may panic, and then only this event is refused.
fn guarded<T>(
    scratch: &mut Scratch,
    scrub: impl FnOnce(&mut Scratch) -> T,
) -> Result<T, EventRefusal> {
    catch_unwind(AssertUnwindSafe(|| scrub(scratch))).map_err(|_| {
        *scratch = Scratch::default();
        refusal(RefusedCode::Quarantined, "the scrub of this event failed")
    })
}

/// Counts the rules that applied, and states what the verdict means for the event.
fn decide(
    verdict: Verdict,
    plan: &Plan,
    event: &EventFrame<'_>,
    rules: &Rules,
    metrics: &Metrics,
    scratch: &mut Scratch,
) -> Scrubbed {
    let mut sampled = false;
    for applied in scratch.applied() {
        let (rule, action) = (plan.rule_name(applied.rule), plan.action_name(applied.rule));
        let hits = metrics.scrub_hits.with_label_values(&[rule, action]);
        hits.inc_by(applied.hits.into());
        if applied.shadow > 0 {
            metrics.shadow_hits.with_label_values(&[rule]).inc_by(applied.shadow.into());
            sampled |= rules.samples.is_due(rule);
        }
    }
    if sampled {
        rules.samples.log(plan, event.payload, event.headers, scratch);
    }
    match verdict {
        Verdict::Accept => Ok(None),
        fixed @ Verdict::Fixed(_) => Ok(Some(Box::new(fixed))),
        Verdict::Refuse(refused) => Err(EventRefusal {
            rule: Some(refused.rule.to_string()),
            path: Some(refused.path),
            ..refusal(refused.code, "a rule rejects it")
        }),
        Verdict::Quarantine(quarantine) => {
            let shown = plan.quarantine_event(&quarantine, event.payload, event.headers, scratch);
            Err(EventRefusal {
                rule: quarantine.rule.map(|rule| rule.to_string()),
                follow_up: FollowUp::Quarantine(shown),
                ..refusal(RefusedCode::Quarantined, &quarantine.reason.to_string())
            })
        }
        Verdict::Disconnect { rule } => Err(EventRefusal {
            rule: Some(rule.to_string()),
            follow_up: FollowUp::Disconnect,
            ..refusal(RefusedCode::Rejected, "a rule ends the connection")
        }),
    }
}

fn refusal(code: RefusedCode, why: &str) -> EventRefusal {
    EventRefusal::new(code, why)
}
