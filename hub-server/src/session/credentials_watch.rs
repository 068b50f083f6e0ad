//! Ends a session whose credentials are no longer accepted: they have expired, or a changed access
//! file or changed client CAs have come into force. Without this module, a revocation would concern
//! only later connections.

use super::messages::{AccessChanged, TrustChanged};
use super::state::{Session, SessionState};
use crate::policy::access::{Denied, Identity, Reason};
use crate::policy::rules::viewer;
use actix::prelude::*;
use hub_wire::CloseCode;
use std::time::{Duration, SystemTime};

/// A timer is set for at most this long. A timer does not notice that the clock of the machine is
/// set forward, so the session looks at the clock at least this often.
const A_MINUTE: Duration = Duration::from_secs(60);
/// An identity that was proven by a client certificate has this [method](Identity::method).
const CERTIFICATE: &str = "certificate";
/// A session ends with this reason when its certificate is no longer trusted.
pub(super) const NOT_TRUSTED: &str = "the certificate of this client is not trusted any more";
impl Session {
    /// Ends the session when the credentials of `identity` have expired. If the session has got
    /// another identity in the meantime, this watch ends, because that identity has a watch of its
    /// own and may expire at another time.
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
                // The client may have a newer certificate by now, so it is told to come back.
                session.close(CloseCode::RightsChanged, "the certificate has expired", ctx);
            } else {
                session.close(CloseCode::Unauthorized, "the credentials have expired", ctx);
            }
        });
    }

    /// Returns whether the TLS setup in force would still accept this client, with its certificate
    /// or without one.
    pub(super) fn is_trusted(&self) -> bool {
        self.socket.is_trusted_by(self.hub.policy.tls.current().as_deref())
    }
}

/// Returns the close code for denied credentials. The code tells the client whether to come back.
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
                self.close(CloseCode::RightsChanged, "what this client may do has changed", ctx);
            }
            Err(denied) => {
                self.close(code_of(denied), &denied.to_string(), ctx);
            }
        }
    }
}

impl Handler<TrustChanged> for Session {
    type Result = ();

    fn handle(&mut self, _: TrustChanged, ctx: &mut Context<Self>) {
        // Before WELCOME, there is nothing to do: the session checks the certificate after it has
        // authenticated the client.
        if self.state == SessionState::Open && !self.is_trusted() {
            // The client is told to come back, because it may have a certificate of the new CA by
            // now. If it has none, its next TLS handshake fails and tells it the reason.
            self.close(CloseCode::RightsChanged, NOT_TRUSTED, ctx);
        }
    }
}
