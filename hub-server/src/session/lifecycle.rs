//! Makes a session an actor: it starts, checks that its client is alive, is told to stop, and ends.
//! The session gives back everything that it counted when it is dropped. Otherwise a panic would
//! leave it counted for ever.

use super::messages::{BeginClose, CountPending, StopReading};
use super::session_loop::SessionLoop;
use super::state::{Session, SessionState, is_ending};
use super::turnstile;
use crate::directory::kept_subscriptions::KeptSubscriptions;
use crate::limits::Limit;
use actix::prelude::*;
use hub_core::topic::{SubscriberConnection, Turns};
use hub_wire::{CloseCode, Frame};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// When the time for HELLO is over, the session waits this much longer, so that a thread that was
/// busy elsewhere can read what has come.
pub(super) const MOMENT: Duration = Duration::from_millis(20);
/// A client gets this reason in CLOSE when the hub stops.
const STOPPING: &str = "the hub is stopping";

impl Session {
    /// Starts the session on this thread, where it runs in turns, as soon as its owner may begin one more.
    pub(crate) fn start_in_turns(self) {
        turnstile::start(self.owner(), move || {
            actix::spawn(Turns::new(Context::new().into_future(self)));
        });
    }

    /// Sends PING to a client that was silent since the last check. Ends the session of a client
    /// that was silent for two checks, unless it was still taking what stands in front of the PING.
    fn check_alive(&mut self, ctx: &mut Context<Self>) {
        // If the thread was busy elsewhere, this timer fires late, and then again at once, before
        // anything is read. So the second call is ignored.
        let early = Duration::from_millis(self.hub.config.keepalive_ms / 2);
        if self.state != SessionState::Open || self.last_alive_check.elapsed() < early {
            return;
        }
        self.last_alive_check = Instant::now();
        self.count_written(); // Publishers may have written bytes that are still counted.
        // The hub cannot hear a client from which it does not read, so such a client does not count
        // as silent, and neither does one from which the hub has only just begun to read again.
        let kept_waiting = std::mem::take(&mut self.kept_waiting)
            || self.backpressure.is_some()
            || self.limits.pauses();
        let listening = !self.busy && !kept_waiting;
        if std::mem::take(&mut self.heard) {
            return;
        }
        let before = self.backlog.take();
        let now = self.socket.taken_by_tcp();
        let reads = match (before, now) {
            (Some(before), Some(now)) => now.taken > before,
            _ => false,
        };
        if self.pinged && listening && !reads {
            return self.close_for(
                Limit::Silence,
                CloseCode::Silent,
                "the client was silent for two keep-alive intervals",
                ctx,
            );
        }
        let waits = self.output.queue().queued_bytes() > 0 || self.socket.has_unsent();
        self.backlog = now.filter(|now| waits || now.untaken > 0).map(|now| now.taken);
        if !self.pinged {
            self.send(&Frame::Ping { token: 0 });
            self.output.flush();
            self.pinged = true;
        }
    }
}

impl Actor for Session {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.hub.directory.sessions.insert(self.connection, Arc::new(ctx.address()));
        self.hub.metrics.connections.inc();
        self.hub.metrics.connections_total.inc();
        let config = &self.hub.config;
        let waited = self.socket.accepted().map_or(Duration::ZERO, |at| at.elapsed());
        let patience = self.hub.limits.in_force.current().handshake_ms;
        let patience = self.limits.permit.lock().patience(Duration::from_millis(patience));
        let patience = patience.saturating_sub(waited);
        self.limits.handshake_until = Some(tokio::time::Instant::now() + patience);
        ctx.run_later(patience, move |_, ctx| {
            // The thread may have been busy elsewhere, so it first gets a moment to read what has
            // come.
            ctx.run_later(MOMENT, move |session, ctx| {
                // A session that waits for the check of its HELLO watches the time itself.
                if session.state == SessionState::Handshake && !session.busy {
                    let why = "no complete HELLO in time";
                    session.handshake_took_too_long(CloseCode::HandshakeTimeout, why, ctx);
                }
            });
        });
        ctx.run_interval(Duration::from_millis(config.keepalive_ms), Self::check_alive);
        if self.hub.directory.stopping.load(Ordering::Acquire) {
            // This connection was accepted just before the hub stopped accepting, and missed the
            // message to stop.
            self.close(CloseCode::GoingAway, STOPPING, ctx);
        }
        ctx.spawn(SessionLoop::default());
    }

    fn stopped(&mut self, _: &mut Context<Self>) {
        tracing::debug!(connection = self.connection, publisher = %self.publisher, "session ended");
    }
}

/// A session cleans up in `drop` and not in `stopped`, so that it also does so after a panic.
impl Drop for Session {
    fn drop(&mut self) {
        self.output.queue().close();
        self.flush_all();
        drop(self.leave_all());
        self.leave_instance();
        self.limits.memory().end();
        if self.hub.directory.sessions.remove(self.connection) {
            self.hub.metrics.connections.dec();
        }
    }
}

impl Handler<CountPending> for Session {
    type Result = MessageResult<CountPending>;

    fn handle(&mut self, _: CountPending, _: &mut Context<Self>) -> Self::Result {
        let mut waiting = HashMap::new();
        let mut count = |epoch, deliveries| *waiting.entry(epoch).or_default() += deliveries;
        self.output.queue().for_each_pending(&mut count);
        if let Some(kept) = &self.kept {
            kept.for_each_pending(&mut count);
        }
        MessageResult(waiting)
    }
}

impl Handler<StopReading> for Session {
    type Result = ();

    fn handle(&mut self, _: StopReading, _: &mut Context<Self>) {
        if !is_ending(self.state) {
            self.state = SessionState::Draining;
            self.publish_what_fits();
        }
    }
}

impl Handler<BeginClose> for Session {
    type Result = ();

    fn handle(&mut self, _: BeginClose, ctx: &mut Context<Self>) {
        self.close(CloseCode::GoingAway, STOPPING, ctx);
    }
}
