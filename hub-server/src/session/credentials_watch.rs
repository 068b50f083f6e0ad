//! Ends a session whose credentials would not be accepted any more: they have expired, or another access
//! file or other client CAs came into force. Without it, a revocation would only concern later connections.

use super::messages::{AccessChanged, Replaced, TrustChanged};
use super::state::{Session, SessionState};
use crate::policy::access::{Denied, Identity, Reason};
use crate::policy::rules::viewer;
use actix::prelude::*;
use hub_wire::CloseCode;
use std::time::{Duration, SystemTime};

/// For how long a timer is set at most. Timers do not notice that somebody sets the clock forward.
const A_MINUTE: Duration = Duration::from_secs(60);
/// How an identity proved who it is, if TLS did it.
const CERTIFICATE: &str = "certificate";
pub(super) const NOT_TRUSTED: &str = "the certificate of this client is not trusted any more";
impl Session {
    /// Ends the session when its credentials have expired, looking from time to time. Where another
    /// identity has taken the place of this one, its own watch does so: it may expire earlier, by
    /// another leeway.
    pub(super) fn watch_expiry(identity: Identity, ctx: &mut Context<Self>) {
        let Some(expires) = identity.expires() else { return };
        let left = expires.duration_since(SystemTime::now()).unwrap_or_default();
        ctx.run_later(left.min(A_MINUTE), move |session, ctx| {
            if !session.identity.as_ref().is_some_and(|current| current.is_same(&identity)) {
                return;
            }
            if SystemTime::now() < expires {
                Self::watch_expiry(identity, ctx);
            } else if identity.method() == CERTIFICATE {
                // It may have a newer one by now.
                session.close(CloseCode::RightsChanged, "the certificate has expired", ctx);
            } else {
                session.close(CloseCode::Unauthorized, "the credentials have expired", ctx);
            }
        });
    }

    pub(super) fn is_trusted(&self) -> bool {
        self.output.socket.is_trusted_by(self.hub.policy.tls.current().as_deref())
    }
}

/// Whether it helps to come back.
pub(super) fn code_of(denied: Denied) -> CloseCode {
    match denied.reason() {
        Reason::KeysPending => CloseCode::Overloaded,
        _ => CloseCode::Unauthorized,
    }
}

impl Handler<AccessChanged> for Session {
    type Result = ();

    fn handle(&mut self, _: AccessChanged, ctx: &mut Context<Self>) {
        if self.state != SessionState::Open {
            return;
        }
        let Some(known) = &self.identity else { return };
        match self.hub.policy.access.current().reauthorise(known, SystemTime::now()) {
            Ok(identity)
                if identity.rights() == known.rights() && viewer(&identity) == viewer(known) =>
            {
                Self::watch_expiry(identity.clone(), ctx);
                self.identity = Some(identity);
            }
            Ok(_) => {
                self.publish_what_fits();
                self.close(CloseCode::RightsChanged, "what this client may do has changed", ctx);
            }
            Err(denied) => {
                self.publish_what_fits();
                self.close(code_of(denied), &denied.to_string(), ctx);
            }
        }
    }
}

impl Handler<TrustChanged> for Session {
    type Result = ();

    fn handle(&mut self, _: TrustChanged, ctx: &mut Context<Self>) {
        // Before that, it is asked when HELLO has come.
        if self.state == SessionState::Open && !self.is_trusted() {
            self.publish_what_fits();
            // Not for good: it may have a certificate of the new CA by now. If it has not, the
            // handshake will say so.
            self.close(CloseCode::RightsChanged, NOT_TRUSTED, ctx);
        }
    }
}

impl Handler<Replaced> for Session {
    type Result = ();

    fn handle(&mut self, _: Replaced, ctx: &mut Context<Self>) {
        self.publish_what_fits();
        self.leave_instance();
        self.builder.runs.clear();
        self.close(CloseCode::Replaced, "a newer connection of this client took over", ctx);
    }
}
