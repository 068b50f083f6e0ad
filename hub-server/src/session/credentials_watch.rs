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
    /// Continues with an identity that has at least the rights of the present one. The client notices
    /// nothing, except that it may do more.
    fn continue_as(&mut self, identity: Identity, ctx: &mut Context<Self>) {
        let more = self.identity.as_ref().is_some_and(|known| known.rights() != identity.rights());
        Self::watch_expiry(identity.clone(), ctx);
        if more {
            self.open_account(&identity);
            let account = self.limits.account().cloned();
            self.builder.set_client(identity.clone(), account, self.limits.memory());
            self.output.set_reader(&identity, &viewer(&identity));
            self.join_readable_topics(ctx);
        }
        self.identity = Some(identity);
    }

    /// Has the subscriptions with a guard join the topics that they may read now. Subscriptions without
    /// a guard have joined all topics that match. The session takes in no frame meanwhile, so no
    /// subscription that ends joins a topic afterwards.
    fn join_readable_topics(&mut self, ctx: &mut Context<Self>) {
        let guarded = self.subscriptions.values().filter(|entry| entry.guard.is_some());
        let guarded: Vec<_> = guarded.cloned().collect();
        if guarded.is_empty() {
            return;
        }
        let registry = self.hub.directory.registry.clone();
        let joins = async move {
            for entry in guarded {
                if let Some(joins) = registry.join_more(&entry, async || true) {
                    joins.await;
                }
            }
        };
        self.busy = true;
        ctx.wait(joins.into_actor(self).map(|(), session, _| session.busy = false));
    }

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
                if identity.rights().include(known.rights())
                    && viewer(&identity) == viewer(known) =>
            {
                self.continue_as(identity, ctx);
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
