//! A session as an actor: how it starts, sees whether its client is alive, is told to stop, and ends. What
//! it counted is given back when it is dropped; otherwise a panic would leave it counted for ever.

use super::messages::{BeginClose, CountPending, StopReading};
use super::session_loop::SessionLoop;
use super::state::{Session, SessionState, is_ending};
use crate::limits::Limit;
use actix::prelude::*;
use hub_core::topic::SubscriberConnection;
use hub_wire::{CloseCode, Frame};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// In which a thread that was away reads what has come.
const MOMENT: Duration = Duration::from_millis(20);
/// What clients are told when the hub stops.
const STOPPING: &str = "the hub is stopping";

impl Session {
    fn look_alive(&mut self, ctx: &mut Context<Self>) {
        // A thread that was away looks late, and then at once again, before anything is read.
        let early = Duration::from_millis(self.hub.config.keepalive_ms / 2);
        if self.state != SessionState::Open || self.looked.elapsed() < early {
            return;
        }
        self.looked = Instant::now();
        self.count_written(); // others may have written what it was counted for
        // A client whose bytes are not read cannot be heard.
        let listening = self.backpressure.is_none() && !self.busy && !self.limits.pauses();
        if !std::mem::take(&mut self.heard) {
            if self.pinged && listening {
                return self.close_for(
                    Limit::Silence,
                    CloseCode::Silent,
                    "no sign of life for twice the keep-alive time",
                    ctx,
                );
            }
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
        let waited = self.output.socket.accepted().map_or(Duration::ZERO, |at| at.elapsed());
        let patience = self.hub.limits.in_force.current().handshake_ms;
        let patience = Duration::from_millis(patience).saturating_sub(waited);
        ctx.run_later(patience, |_, ctx| {
            // The thread may have been away: what has come is read first.
            ctx.run_later(MOMENT, |session, ctx| {
                if session.state == SessionState::Handshake {
                    let why = "no complete HELLO in time";
                    session.close_for(Limit::Handshake, CloseCode::HandshakeTimeout, why, ctx);
                }
            });
        });
        ctx.run_interval(Duration::from_millis(config.keepalive_ms), Self::look_alive);
        if self.hub.directory.stopping.load(Ordering::Acquire) {
            // Accepted just before the hub stopped accepting, it was not there to be told.
            self.close(CloseCode::GoingAway, STOPPING, ctx);
        }
        ctx.spawn(SessionLoop);
    }

    fn stopped(&mut self, _: &mut Context<Self>) {
        tracing::debug!(connection = self.connection, publisher = %self.publisher, "session ended");
    }
}

/// In Drop, not in `stopped`, so that it also happens after a panic.
impl Drop for Session {
    fn drop(&mut self) {
        self.output.queue().close();
        self.flush_all();
        self.let_go();
        drop(self.leave_all());
        self.leave_instance();
        if self.hub.directory.sessions.remove(self.connection) {
            self.hub.metrics.connections.dec();
        }
    }
}

impl Handler<CountPending> for Session {
    type Result = MessageResult<CountPending>;

    fn handle(&mut self, _: CountPending, _: &mut Context<Self>) -> Self::Result {
        let mut waiting = HashMap::new();
        self.output.queue().for_each_waiting(|stream, events| {
            *waiting.entry(stream.epoch).or_default() += u64::from(events);
        });
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
        self.receipt();
        self.close(CloseCode::GoingAway, STOPPING, ctx);
    }
}
