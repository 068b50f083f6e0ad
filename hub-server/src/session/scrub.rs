//! Lets the rules scrub one event, and counts the rules that applied. A scrubber that panics costs
//! one event, and nothing else.

use super::checked_event::{EventRefusal, FollowUp};
use crate::policy::rules::Rules;
use crate::telemetry::metrics::Metrics;
use hub_scrub::{Plan, Scratch, Verdict};
use hub_wire::{EventFrame, RefusedCode};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Scrubs an event. Returns `None` if the event passes as it came, and a verdict with its new forms
/// if rules change it.
pub(super) fn scrub(
    plan: &Plan,
    event: &EventFrame<'_>,
    rules: &Rules,
    metrics: &Metrics,
) -> Result<Option<Box<Verdict>>, EventRefusal> {
    SCRATCH.with_borrow_mut(|scratch| {
        // A user's own scrubber may panic. Then only this event is refused.
        let scrubbed =
            catch_unwind(AssertUnwindSafe(|| plan.scrub(event.payload, event.headers, scratch)));
        let Ok(verdict) = scrubbed else {
            *scratch = Scratch::default();
            return Err(refusal(RefusedCode::Quarantined, "the scrub of this event failed"));
        };
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
        let checked = match verdict {
            Verdict::Accept => Ok(None),
            fixed @ Verdict::Fixed(_) => Ok(Some(Box::new(fixed))),
            Verdict::Refuse(refused) => Err(EventRefusal {
                rule: Some(refused.rule.to_string()),
                path: Some(refused.path),
                ..refusal(refused.code, "a rule rejects it")
            }),
            Verdict::Quarantine(quarantine) => {
                let shown =
                    plan.quarantine_event(&quarantine, event.payload, event.headers, scratch);
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
        };
        scratch.trim();
        checked
    })
}

fn refusal(code: RefusedCode, why: &str) -> EventRefusal {
    EventRefusal::new(code, why)
}
