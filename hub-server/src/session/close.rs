//! Ends a session: CLOSE follows the frames that are queued, and then FIN follows. The session
//! leaves its subscriptions before it queues CLOSE. Otherwise events that wait here for queue
//! groups would be lost to the other members.

use super::state::{Session, SessionState};
use crate::limits::Limit;
use actix::prelude::*;
use hub_core::topic::{Departure, SubscriberConnection};
use hub_wire::{Close, CloseCode, Frame};
use std::time::Duration;

/// A client has at least this long to read the reason before its connection is cut.
const LINGER: Duration = Duration::from_secs(1);

impl Session {
    /// Publishes the events that were taken in, sends the last RECEIPT, and queues CLOSE behind the
    /// frames that are queued already. Takes in nothing more.
    pub(super) fn close(&mut self, code: CloseCode, reason: &str, ctx: &mut Context<Self>) {
        if self.state == SessionState::Closing {
            return;
        }
        if self.state == SessionState::Open
            && code != CloseCode::GoingAway
            && !self.publish()
            && self.backpressure.is_none()
        {
            return self.close_later(code, reason); // The turn is over.
        }
        if self.state != SessionState::Handshake {
            // The client may never come back, so this is its last chance to learn what was accepted.
            match code {
                // Subscribers are closed at the same time, so an event that is published now could be
                // receipted and reach nobody. A stopping hub has published what fits before.
                CloseCode::GoingAway => self.receipt(),
                _ => self.publish_what_fits(),
            }
        }
        // A client that has not had WELCOME yet is owed nothing but the reason.
        let patience = match self.state {
            SessionState::Handshake => LINGER,
            _ => Duration::from_millis(self.hub.config.drain_ms).max(LINGER),
        };
        let keeps = self.keeps_after(code);
        self.state = SessionState::Closing;
        self.carry = Vec::new();
        self.give_up_permit();
        self.hub.metrics.closed.with_label_values(&[code.name()]).inc();
        let retry = code.should_reconnect().then_some(self.hub.config.retry_after_ms);
        let close = Close { code, reason: reason.to_owned(), retry_after_ms: retry };
        ctx.run_later(patience, |_, ctx| ctx.stop());
        let leaves = match code {
            CloseCode::GoingAway => None, // When the hub stops, no member of a group stays.
            _ => self.leave_others(keeps),
        };
        let Some(leaves) = leaves else { return self.finish(close) };
        // CLOSE waits until the topics have let go of the subscriptions. So the other members of a
        // queue group get the events that wait here for the group, and a client that sees this
        // connection end finds nothing of it in the topics any more.
        self.busy = true;
        ctx.wait(leaves.into_actor(self).map(|_, session, _| {
            session.busy = false;
            session.finish(close);
        }));
    }

    /// Closes the connection because it is over `limit`, and counts that in the metrics.
    pub(super) fn close_for(
        &mut self,
        limit: Limit,
        code: CloseCode,
        why: &str,
        ctx: &mut Context<Self>,
    ) {
        if self.state != SessionState::Closing {
            self.hub.metrics.limited(limit);
            self.close(code, why, ctx);
        }
    }

    /// Queues CLOSE as the last frame, and flushes. A slow consumer gets CLOSE instead of the
    /// frames that still wait.
    fn finish(&mut self, close: Close) {
        if close.code != CloseCode::GoingAway {
            self.part();
        }
        if close.code == CloseCode::SlowConsumer {
            self.output.queue().discard();
        }
        self.output.queue().finish(Frame::Close(close).to_bytes());
        self.output.flush();
        self.output.session.wake();
    }

    /// Ends all subscriptions, as [`Registry::leave`](hub_core::topic::Registry::leave) does.
    pub(super) fn leave_all(&mut self) -> Option<Departure> {
        let subscriptions = std::mem::take(&mut self.subscriptions);
        self.hub.directory.registry.leave(subscriptions.into_values().collect())
    }

    /// Hands the state of this instance on, so that the client's next connection can resume.
    pub(super) fn leave_instance(&mut self) {
        if let Some(instance) = self.instance.take() {
            let past = self.resume_state();
            self.hub.directory.instances.leave(&instance, self.connection, past);
        }
    }
}
