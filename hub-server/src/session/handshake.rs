//! Does the handshake, from HELLO to WELCOME: it finds out which identity the client has, and up to
//! where the hub has the client's events. Without this module, a session would serve clients that
//! it does not know.

use super::clock::now_ms;
use super::credentials_watch::{NOT_TRUSTED, code_of};
use super::state::{Session, SessionState};
use crate::directory::instances::InstanceLookup;
use crate::limits::Limit;
use crate::limits::account::{AccountKey, UNKNOWN_ADDRESS};
use crate::policy::access::{Access, Credentials, Denied, Identity, Peer, Reason};
use crate::policy::hash_queue::Requester;
use crate::policy::hashing::NotHashed;
use crate::policy::key_fetches;
use crate::policy::rules::viewer;
use actix::prelude::*;
use hub_wire::{CloseCode, Frame, Hello, TopicName, VERSION, Welcome};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A client that shows no credentials and states no name gets this name.
const ANONYMOUS: &str = "anonymous";

impl Session {
    /// Returns whether the body is a HELLO that states only versions which the hub does not speak.
    /// The rest of such a HELLO may have any form, so it must not be read.
    pub(super) fn has_no_common_version(body: &[u8]) -> bool {
        Hello::versions(body).is_ok_and(|versions| versions.common().is_none())
    }

    /// Handles HELLO: checks it, and waits for the keys of its JWT if they are being fetched.
    pub(super) fn hello(&mut self, hello: Hello, ctx: &mut Context<Self>) {
        let over = self.limits.permit.lock().rejection().copied();
        if let Some(over) = over.filter(|_| hello.instance.is_none()) {
            // Only a client that comes back can take the place of an older connection.
            return self.close_for(over.limit, over.code, over.why, ctx);
        }
        if let Some(name) = &hello.name
            && (!TopicName::is_label(name) || name.contains('#'))
        {
            let reason = "the name is empty, too long, or has a byte that is not allowed";
            return self.close(CloseCode::Protocol, reason, ctx);
        }
        let credentials = match hello.credentials.clone() {
            None => Credentials::None,
            Some(hub_wire::Credentials::Token(token)) => Credentials::Token(token),
            Some(hub_wire::Credentials::Jwt(jwt)) => Credentials::Jwt(jwt),
            Some(hub_wire::Credentials::Password { user, password }) => {
                Credentials::Password { user, password }
            }
            Some(hub_wire::Credentials::Unknown) => {
                let reason = "credentials of a kind that this hub does not know";
                return self.close(CloseCode::Unauthorized, reason, ctx);
            }
        };
        let Some(fetched) = key_fetches::newer(&self.hub.policy.access, &credentials) else {
            return self.check_credentials(credentials, hello, true, ctx);
        };
        self.wait_in_handshake(fetched, ctx, move |newest, session, ctx| {
            session.check_credentials(credentials, hello, newest, ctx);
        });
    }

    /// Authenticates the client. `newest` states whether the keys of the JWT's issuer are up to
    /// date. If they are, an unknown key is denied for good.
    fn check_credentials(
        &mut self,
        credentials: Credentials,
        hello: Hello,
        newest: bool,
        ctx: &mut Context<Self>,
    ) {
        let access = self.hub.policy.access.current();
        let peer = Peer { loopback: self.loopback, certificate: self.socket.certificate() };
        let bytes = access.hash_bytes(&credentials);
        let (Some(bytes), Some(id)) = (bytes, Access::claimed_id(&credentials).map(Arc::from))
        else {
            let entered = access.authenticate(&credentials, &peer, SystemTime::now());
            let entered = entered.map_err(|denied| denied.for_good_if(newest));
            return self.authenticated(entered, hello, ctx);
        };
        // A password hash takes long by design. So it is computed on another thread, and only a few
        // are computed at a time.
        let address = self.address();
        let places = self.hub.limits.in_force.current().max_connections;
        let check = move || access.authenticate(&credentials, &peer, SystemTime::now());
        let entered = self.hub.policy.hashing.run(Requester { address, id }, bytes, places, check);
        self.wait_in_handshake(entered, ctx, move |entered, session, ctx| match entered {
            Ok(entered) => session.authenticated(entered, hello, ctx),
            Err(NotHashed::Failed) => session.close(CloseCode::Internal, "the check failed", ctx),
            Err(NotHashed::TooMany) => {
                let why = "too many clients at this address are logging in";
                session.close_for(Limit::Handshake, CloseCode::Overloaded, why, ctx);
            }
            Err(NotHashed::NoMemory) => {
                let why = "the hub is short of memory";
                session.close_for(Limit::Memory, CloseCode::Overloaded, why, ctx);
            }
        });
    }

    /// Lets the client in, or closes the connection and states why the client is denied.
    fn authenticated(
        &mut self,
        entered: Result<Identity, Denied>,
        hello: Hello,
        ctx: &mut Context<Self>,
    ) {
        // The access file may have changed while a hash was computed.
        let access = self.hub.policy.access.current();
        let entered = entered.and_then(|known| access.reauthorise(&known, SystemTime::now()));
        if !self.is_trusted() {
            // The client CAs may have changed since the TLS handshake.
            return self.close(CloseCode::RightsChanged, NOT_TRUSTED, ctx);
        }
        match entered {
            Ok(identity) => self.identify(identity, hello.name.as_deref(), ctx),
            Err(denied) => {
                let (connection, reason) = (self.connection, denied.reason());
                if reason == Reason::KeysPending {
                    tracing::warn!(connection, %reason, "a client was told to come back later");
                } else {
                    tracing::info!(connection, %reason, "a client was refused");
                }
                return self.close(code_of(denied), &denied.to_string(), ctx);
            }
        }
        let mut random = [0; 16];
        if getrandom::fill(&mut random).is_err() {
            return self.close(CloseCode::Internal, "no random numbers", ctx);
        }
        self.inbox = format!("{}{:032x}", TopicName::INBOX, u128::from_be_bytes(random));
        self.receipts = hello.receipts;
        match hello.instance {
            Some(instance) => self.claim_instance(instance, hello.receipted, ctx),
            None => self.welcome(false, 0, ctx),
        }
    }

    /// Sets the identity of the client and everything that follows from it: the publisher stamp of
    /// its events, the view in which it gets events, the watch over its expiry, and its account.
    fn identify(&mut self, identity: Identity, claimed: Option<&str>, ctx: &mut Context<Self>) {
        let number = self.connection;
        self.publisher = match (identity.is_anonymous(), self.hub.config.access.is_empty()) {
            // Clients of one identity can be told apart by the names that they state. Only the part in
            // front of `#` is proven, and no stated name can get there.
            (false, _) => match claimed {
                Some(claimed) => format!("{}#{number}?{claimed}", identity.name()),
                None => format!("{}#{number}", identity.name()),
            },
            // At a hub without an access file, no client has a proven name.
            (true, true) => format!("{}#{number}", claimed.unwrap_or(ANONYMOUS)),
            // No identity has a question mark in its name, so no stated name can look like a proven
            // name.
            (true, false) => format!("?{}#{number}", claimed.unwrap_or(ANONYMOUS)),
        };
        self.output.set_reader(&identity, &viewer(&identity));
        Self::watch_expiry(identity.clone(), ctx);
        self.open_account(&identity);
        self.builder.set_client(
            identity.clone(),
            self.limits.account().cloned(),
            self.limits.memory(),
        );
        self.identity = Some(identity);
    }

    /// Takes the instance over. If another connection has it now, waits until that connection has
    /// ended.
    fn claim_instance(&mut self, id: [u8; 16], receipted: Option<u64>, ctx: &mut Context<Self>) {
        // The identity is part of the key. Otherwise another identity that knows the id could
        // resume the instance.
        self.has_instance = true;
        let owner = self.identity.as_ref().map_or("", Identity::name);
        let instance = (owner.into(), id);
        match self.hub.directory.instances.claim(
            &instance,
            &self.owner(),
            self.connection,
            Arc::new(ctx.address()),
            receipted,
        ) {
            InstanceLookup::Resumed(past) => {
                self.instance = Some(instance);
                (self.received, self.inbox) = (past.received, past.inbox);
                (self.ahead, self.refusals) = (past.ahead, past.refusals);
                past.kept.into_iter().for_each(|kept| self.continue_kept(kept, ctx));
                self.welcome(true, receipted.unwrap_or(0), ctx);
            }
            InstanceLookup::New => {
                self.instance = Some(instance);
                self.welcome(false, 0, ctx);
            }
            InstanceLookup::NewAndUnknown => self.welcome(false, 0, ctx),
            InstanceLookup::Busy(older) => {
                let permit = self.limits.permit.clone();
                let replaced = async move {
                    if !older.replace(permit).await {
                        // The older connection has ended, and will leave the instance within a
                        // moment.
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                };
                self.wait_in_handshake(replaced, ctx, move |(), session, ctx| {
                    session.claim_instance(id, receipted, ctx);
                });
            }
        }
    }

    fn address(&self) -> AccountKey {
        AccountKey::at(self.limits.peer.unwrap_or(UNKNOWN_ADDRESS))
    }

    /// Returns the identity for which the client counts, or its address if it is anonymous.
    pub(super) fn owner(&self) -> AccountKey {
        match &self.identity {
            Some(identity) if !identity.is_anonymous() => {
                AccountKey::Identity(identity.name().into())
            }
            _ => self.address(),
        }
    }

    /// Opens the session, and sends WELCOME. If the instance is resumed, repeats the refusals from
    /// the publish number `receipted` on, and sends a receipt behind them.
    fn welcome(&mut self, resumed: bool, receipted: u64, ctx: &mut Context<Self>) {
        // The permits are completed only here. If this connection replaces an older connection, it has
        // taken over the places of the older connection by now.
        let over = {
            let mut permit = self.limits.permit.lock();
            permit.take_free_places();
            permit.rejection().copied()
        };
        if let Some(over) = over {
            return self.close_for(over.limit, over.code, over.why, ctx);
        }
        if !self.take_permit() {
            let why = "this identity has as many connections as it may have";
            let limit = Limit::ConnectionsPerIdentity;
            return self.close_for(limit, CloseCode::TooManyConnections, why, ctx);
        }
        self.state = SessionState::Open;
        self.send(&Frame::Welcome(Welcome {
            version: VERSION,
            hub: self.hub.directory.hub_id,
            connection: self.connection,
            resumed,
            kept: !self.subscriptions.is_empty(),
            received: self.received,
            publisher: self.publisher.clone(),
            inbox: self.inbox.clone(),
            limits: self.hub.limits.wire,
            keepalive_ms: self.hub.config.keepalive_ms,
            time_ms: now_ms(),
        }));
        for refused in self.refusals.since(receipted) {
            self.send(&Frame::Refused(refused));
        }
        if resumed && self.receipts {
            // The client knows by this receipt that it has seen every refusal, so the receipt is sent
            // even if it states what the client knows already.
            self.send(&Frame::Receipt { next: self.received });
        }
        self.receipted = self.received;
        self.flush_some();
    }
}
