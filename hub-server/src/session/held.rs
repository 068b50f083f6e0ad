//! Counts the bytes that a session holds for its client as held bytes, and sheds load when the hub
//! is short of memory. Bytes that are not counted would let one client use up the memory of the
//! hub.

use super::intake::READ_BYTES;
use super::session_limits::CONNECTION;
use super::state::{Session, SessionState};
use crate::directory::session_handle::ShedLoad;
use crate::limits::Limit;
use crate::limits::memory::MemoryPressure;
use actix::prelude::*;
use hub_core::topic::{Charge, MemoryAccount, SubscriberConnection};
use hub_wire::CloseCode;
use std::sync::Arc;

/// The session counts its held bytes anew when they have changed by at least this many bytes.
const STEP: usize = 4 * 1024;

impl Session {
    /// Charges everything that the session holds to a connection of this owner from now on.
    pub(super) fn charge_to(&mut self, owner: &Arc<MemoryAccount>) {
        let account = MemoryAccount::of_connection(owner);
        self.output.queue().count_in(&account);
        self.limits.charge = Charge::new(&account, CONNECTION + self.limits.counted);
    }

    /// Returns how short memory is for the client of this session.
    pub(super) fn pressure(&self) -> MemoryPressure {
        self.hub.limits.memory.pressure(Some(self.limits.memory()))
    }

    /// Returns whether the client need not care for memory. Each read asks this question.
    pub(super) fn is_calm(&self) -> bool {
        self.hub.limits.memory.is_calm() || self.pressure() == MemoryPressure::Calm
    }

    /// Counts the bytes that the session holds for the client: those that it carries or has lent to another
    /// thread, those that came back with them, those of its open runs and of a SUBSCRIBE that comes in parts,
    /// and the answers that the client has not read.
    pub(super) fn count_held(&mut self) {
        let mut held = self.carry.len() + self.lent + self.builder.names_bytes();
        held += self.builder.scrubbed.as_ref().map_or(0, |scrubbed| scrubbed.bytes());
        held += self.parts.as_ref().map_or(0, |parts| parts.bytes());
        if !self.builder.runs.is_empty() {
            held += self.builder.runs.iter().map(|gathered| gathered.run.size()).sum::<usize>();
        }
        let counted = self.limits.counted;
        if held.abs_diff(counted) >= STEP || (held == 0 && counted > 0) {
            self.limits.charge.set(CONNECTION + held);
            self.limits.counted = held;
        }
    }

    /// Counts the held bytes anew after something was written.
    pub(super) fn count_written(&mut self) {
        if self.limits.counted > 0 {
            self.count_held();
        }
    }
}

impl Session {
    /// Returns whether the client was refused for the grace too, and still has not come down to its share.
    fn may_be_ended(&self) -> bool {
        let memory = self.limits.memory();
        memory.is_over_share() && memory.unmet_for() >= Some(2 * self.hub.limits.memory.grace())
    }
}

impl Handler<ShedLoad> for Session {
    type Result = ();

    fn handle(&mut self, load: ShedLoad, ctx: &mut Context<Self>) {
        if self.output.queue().shed_to_limit() {
            self.output.close_slow_consumer();
        }
        let held = self.limits.memory().holding();
        if load.end.is_some_and(|most| held > most && self.may_be_ended()) {
            let why = format!(
                "the hub is short of memory, and this client holds {held} bytes of it, more than others"
            );
            return self.close_for(Limit::Memory, CloseCode::Overloaded, &why, ctx);
        }
        if self.is_calm() {
            return self.count_written(); // Others are asked, or nobody.
        }
        self.builder.forget_topics();
        if self.pressure() != MemoryPressure::Refuse {
            return self.count_written();
        }
        // What waits for room in a subscriber's queue is refused too. Otherwise the client could not come
        // down to its share.
        if self.backpressure.is_some() {
            self.output.session.wake();
        }
        // Every session may keep as many bytes as one read takes. No event in a longer frame is
        // accepted yet, so the client sends that event again when it comes back.
        let most = load.carry.map_or(usize::MAX, |most| most.max(READ_BYTES));
        if self.state == SessionState::Open && self.carry.len() > most {
            self.close_for(Limit::Memory, CloseCode::Overloaded, "the hub is short of memory", ctx);
        }
        if let Some(most) = load.answers {
            self.refusals.trim(true);
            if self.output.queue().control_bytes() > most {
                let why = "the hub is short of memory, and this client does not read its answers";
                self.close_for(Limit::Memory, CloseCode::SlowConsumer, why, ctx);
                // The client would not read CLOSE either, so the frames that wait for it are
                // dropped with the connection.
                ctx.stop();
            }
        }
        self.count_written();
    }
}
