//! What a session holds of its client's bytes: it is counted as held memory, and let go of when the hub is
//! short of it. Bytes that are not counted would let one client use up the memory of all.

use super::intake::READ_BYTES;
use super::state::{Session, SessionState};
use crate::directory::session_handle::ShedLoad;
use crate::limits::Limit;
use actix::prelude::*;
use hub_core::topic::SubscriberConnection;
use hub_wire::CloseCode;

/// Up to here a queue does not say what its control frames take; from there on it does so itself.
const UNSAID: usize = 64 * 1024;
/// By so much what a session holds may change before it is counted anew.
const STEP: usize = 4 * 1024;

impl Session {
    /// Counts what the session holds of its client's bytes, and of answers that it does not read.
    pub(super) fn count_held(&mut self) {
        let mut held = self.carry.len() + self.output.queue().control_bytes().min(UNSAID);
        if !self.builder.runs.is_empty() {
            held += self.builder.runs.iter().map(|gathered| gathered.run.size()).sum::<usize>();
        }
        let counted = self.limits.counted;
        if held.abs_diff(counted) >= STEP || (held == 0 && counted > 0) {
            self.hub.limits.memory.held().change(counted, held);
            self.limits.counted = held;
        }
    }

    /// The same after something was written.
    pub(super) fn count_written(&mut self) {
        if self.limits.counted > 0 {
            self.count_held();
        }
    }

    /// Counts nothing any more; see [`Drop`] of the session.
    pub(super) fn let_go(&mut self) {
        self.hub.limits.memory.held().change(std::mem::take(&mut self.limits.counted), 0);
    }
}

impl Handler<ShedLoad> for Session {
    type Result = ();

    fn handle(&mut self, load: ShedLoad, ctx: &mut Context<Self>) {
        if self.output.queue().shed(load.queue) {
            self.output.close_slow_consumer();
        }
        // What one read takes may wait with everybody. Of a longer frame nothing was accepted: the
        // client sends it again when it comes back.
        let most = load.carry.map_or(usize::MAX, |most| most.max(READ_BYTES));
        if self.state == SessionState::Open && self.carry.len() > most {
            self.publish_what_fits();
            self.close_for(Limit::Memory, CloseCode::Overloaded, "the hub is short of memory", ctx);
        }
        if let Some(most) = load.answers {
            self.refusals.trim(true);
            if self.output.queue().control_bytes() > most {
                let why = "the hub is short of memory, and this client does not read its answers";
                self.close_for(Limit::Memory, CloseCode::SlowConsumer, why, ctx);
                // It would not read that either: what waits goes with the connection.
                ctx.stop();
            }
        }
        self.count_written();
    }
}
