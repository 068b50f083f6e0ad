//! Has a costly event scrubbed on a thread that serves no clients, and takes it in again with the result. If
//! the thread of the session did it, all other clients of that thread would wait.
//!
//! The events behind it wait meanwhile, so the order of the client's frames holds.

use super::checked_event::{EventRefusal, Scrubbed, ScrubbedElsewhere};
use super::scrub::scrub;
use super::state::{Session, is_ending};
use actix::prelude::*;
use hub_scrub::Plan;
use hub_wire::{CloseCode, EventFrame, RefusedCode, split};
use std::sync::Arc;

impl Session {
    /// Has the first event that the session carries scrubbed under this plan on another thread. Meanwhile
    /// that thread has the bytes that the session carries, so that they are not copied.
    pub(super) fn scrub_elsewhere(&mut self, plan: Arc<Plan>, ctx: &mut Context<Self>) {
        let carry = std::mem::take(&mut self.carry);
        (self.busy, self.lent) = (true, carry.len());
        // A client that the hub does not read from is not silent.
        self.kept_waiting = true;
        let (rules, metrics) = (self.builder.rules.clone(), self.hub.metrics.clone());
        let (number, generation) = (self.received, rules.generation);
        let limits = self.hub.limits.wire;
        let work = move || {
            let body = split(&carry, u32::MAX).ok().flatten().unwrap_or_default();
            let scrubbed: Scrubbed = match EventFrame::parse(body, &limits) {
                Ok(event) => scrub(&plan, &event, &rules, &metrics),
                Err(error) => Err(EventRefusal::new(RefusedCode::Malformed, error)),
            };
            (carry, scrubbed)
        };
        let done = self.hub.policy.scrubbing.run(self.owner(), work);
        ctx.spawn(done.into_actor(self).map(move |done, session, ctx| {
            (session.busy, session.lent) = (false, 0);
            // Nothing else wakes the loop of the session, which has waited for this.
            session.output.session.wake();
            match done {
                _ if is_ending(session.state) => {} // The client sends again what has no receipt.
                Some((carry, scrubbed)) => {
                    session.carry = carry;
                    let scrubbed = ScrubbedElsewhere { number, generation, scrubbed };
                    session.builder.scrubbed = Some(Box::new(scrubbed));
                }
                None => session.close(CloseCode::Internal, "the scrub failed", ctx),
            }
            session.count_held();
        }));
    }
}
