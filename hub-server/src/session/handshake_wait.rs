//! Waits for an answer that the handshake needs from elsewhere: for a hash, for the keys of a JWT, or for
//! an older connection of the client. Without the bounds of this module, a client could keep its place
//! for as long as the answer takes, even if its connection has ended in the meantime.

use super::lifecycle::MOMENT;
use super::state::{Session, SessionState};
use crate::limits::Limit;
use actix::prelude::*;
use hub_wire::CloseCode;
use tokio::io::Interest;
use tokio::time::{Instant, sleep_until};

/// The client gets this reason if the answer does not come in time.
const NOT_IN_TIME: &str = "the hub could not check the credentials in time";

/// States how a wait has ended.
enum Waited<T> {
    Answer(T),
    /// The time for the handshake is over.
    TooLong,
    /// The connection was reset, so the client cannot get an answer any more.
    Gone,
}

impl Session {
    /// Waits for `answer`, and continues with `then`. Meanwhile the session reads nothing. The wait
    /// ends when the time for the handshake is over, and when the connection breaks. Then `answer` is
    /// dropped.
    ///
    /// The session handles messages while it waits. If it made its actor wait instead, an audit and the
    /// end of the hub would wait for all the clients that are logging in.
    pub(super) fn wait_in_handshake<T: 'static>(
        &mut self,
        answer: impl Future<Output = T> + 'static,
        ctx: &mut Context<Self>,
        then: impl FnOnce(T, &mut Self, &mut Context<Self>) + 'static,
    ) {
        self.busy = true;
        let socket = self.socket.clone();
        let until = self.limits.handshake_until.unwrap_or_else(Instant::now) + MOMENT;
        let waited = async move {
            tokio::select! {
                biased;
                answer = answer => Waited::Answer(answer),
                // A client that has only ended its direction (FIN) may still read. A reset is an error.
                _ = socket.tcp().ready(Interest::ERROR) => Waited::Gone,
                () = sleep_until(until) => Waited::TooLong,
            }
        };
        ctx.spawn(waited.into_actor(self).map(move |waited, session, ctx| {
            session.busy = false;
            // Nothing else wakes the loop of the session, which has waited for this answer.
            session.output.session.wake();
            if session.state != SessionState::Handshake {
                return; // The hub is stopping, for example.
            }
            match waited {
                Waited::Answer(answer) => then(answer, session, ctx),
                Waited::Gone => session.end(ctx),
                Waited::TooLong => {
                    // HELLO came in time, so the client may come back.
                    session.handshake_took_too_long(CloseCode::Overloaded, NOT_IN_TIME, ctx);
                }
            }
        }));
    }

    /// Closes a connection that has not got WELCOME in time. A connection above a limit is told that
    /// limit.
    pub(super) fn handshake_took_too_long(
        &mut self,
        code: CloseCode,
        why: &str,
        ctx: &mut Context<Self>,
    ) {
        let over = self.limits.permit.lock().rejection().copied();
        match over {
            Some(over) => self.close_for(over.limit, over.code, over.why, ctx),
            None => self.close_for(Limit::Handshake, code, why, ctx),
        }
    }
}
