//! Counts the bytes that a session holds for its client as held bytes, and sheds load when the hub
//! is short of memory. Bytes that are not counted would let one client use up the memory of the
//! hub.

use super::intake::READ_BYTES;
use super::state::{Session, SessionState};
use crate::directory::session_handle::ShedLoad;
use crate::limits::Limit;
use actix::prelude::*;
use hub_core::topic::SubscriberConnection;
use hub_wire::CloseCode;

/// A queue counts its control frames as held bytes only in steps of this many bytes. So the session
/// counts them up to this size.
const UNCOUNTED_CONTROL_BYTES: usize = 64 * 1024;
/// The session counts its held bytes anew when they have changed by at least this many bytes.
const STEP: usize = 4 * 1024;

impl Session {
    /// Counts the bytes that the session holds for the client: those that it carries, those of its
    /// open runs and of a SUBSCRIBE that comes in parts, and the answers that the client has not read.
    pub(super) fn count_held(&mut self) {
        let mut held =
            self.carry.len() + self.output.queue().control_bytes().min(UNCOUNTED_CONTROL_BYTES);
        held += self.parts.as_ref().map_or(0, |parts| parts.bytes());
        if !self.builder.runs.is_empty() {
            held += self.builder.runs.iter().map(|gathered| gathered.run.size()).sum::<usize>();
        }
        let counted = self.limits.counted;
        if held.abs_diff(counted) >= STEP || (held == 0 && counted > 0) {
            self.hub.limits.memory.held().change(counted, held);
            self.limits.counted = held;
        }
    }

    /// Counts the held bytes anew after something was written.
    pub(super) fn count_written(&mut self) {
        if self.limits.counted > 0 {
            self.count_held();
        }
    }

    /// Takes back everything that the session has counted. The session does so when it is dropped.
    pub(super) fn uncount_held(&mut self) {
        self.hub.limits.memory.held().change(std::mem::take(&mut self.limits.counted), 0);
    }
}

impl Handler<ShedLoad> for Session {
    type Result = ();

    fn handle(&mut self, load: ShedLoad, ctx: &mut Context<Self>) {
        if self.output.queue().shed(load.queue) {
            self.output.close_slow_consumer();
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
