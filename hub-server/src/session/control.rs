//! Frames other than EVENT.

use super::events::QUARANTINE;
use super::{Session, Stage, leave};
use crate::config::Anonymous;
use crate::hub::now_ms;
use crate::instances::Found;
use actix::prelude::*;
use futures_util::future::join_all;
use hub_core::topic::{Join, SubscriptionEntry, TopicFilter, TopicName};
use hub_core::wire::{
    CloseCode, Frame, FrameErrorKind, FrameType, Hello, Limits, Reader, RefusedCode, RefusedWhat,
    Subscribe, VERSION, Welcome,
};
use std::sync::Arc;
use std::time::Duration;

/// Longest name a client may give itself, in bytes.
const MAX_NAME: usize = 64;

/// The role of clients without credentials, for views.
const ANONYMOUS: &str = "anonymous";

impl Session {
    pub(super) fn control(&mut self, body: &[u8], ctx: &mut Context<Self>) {
        let limits = self.hub.limits;
        let frame = match Frame::parse(body, &limits) {
            Ok(frame) => frame,
            Err(error) => {
                let kind = FrameType::of(body).ok();
                let id = id_of(body, &limits);
                let message = error.to_string();
                let (what, number, code) = match (self.stage, kind, error.kind, id) {
                    (Stage::Open, None, FrameErrorKind::UnknownType(_), _) => {
                        (RefusedWhat::Frame, 0, RefusedCode::UnknownFrame)
                    }
                    (Stage::Open, Some(FrameType::Subscribe), kind, Some(id)) => {
                        let bad_option = matches!(kind, FrameErrorKind::NoSuchValue { .. });
                        let code = match bad_option {
                            true => RefusedCode::BadOption,
                            false => RefusedCode::Malformed,
                        };
                        (RefusedWhat::Subscribe, id, code)
                    }
                    (Stage::Open, Some(FrameType::Unsubscribe), _, Some(id)) => {
                        (RefusedWhat::Unsubscribe, id, RefusedCode::Malformed)
                    }
                    _ => return self.close(CloseCode::Protocol, &message, ctx),
                };
                self.refuse(what, number, code, message);
                return;
            }
        };
        match (self.stage, frame) {
            (Stage::Handshake, Frame::Hello(hello)) => self.hello(hello, ctx),
            (Stage::Handshake, _) => {
                self.close(CloseCode::Protocol, "the first frame must be HELLO", ctx);
            }
            (_, Frame::Subscribe(subscribe)) => self.subscribe(subscribe, ctx),
            (_, Frame::Unsubscribe { id }) => self.unsubscribe(id, ctx),
            (_, Frame::Ping { token }) => {
                self.receipt();
                self.send(&Frame::Pong { token });
            }
            (_, Frame::Pong { .. }) => {}
            (_, Frame::Close(_)) => {
                self.receipt();
                self.close(CloseCode::Normal, "goodbye", ctx);
            }
            _ => self.close(CloseCode::Protocol, "this frame has no place here", ctx),
        }
    }

    fn hello(&mut self, hello: Hello, ctx: &mut Context<Self>) {
        if hello.version != VERSION {
            return self.close(CloseCode::Version, "this hub speaks version 1", ctx);
        }
        if hello.has_credentials {
            return self.close(CloseCode::Unauthorized, "this hub takes no credentials", ctx);
        }
        if !self.loopback && self.hub.config.anonymous == Anonymous::Loopback {
            let reason = "clients without credentials must come from the hub's own machine";
            return self.close(CloseCode::Unauthorized, reason, ctx);
        }
        let name = hello.name.as_deref().unwrap_or("anonymous");
        if name.is_empty()
            || name.len() > MAX_NAME
            || !name.bytes().all(TopicName::is_allowed)
            || name.contains('#')
        {
            return self.close(
                CloseCode::Protocol,
                "the name is empty, too long, or has a byte that is not allowed",
                ctx,
            );
        }
        self.publisher = format!("{name}#{}", self.connection);
        self.outbound.set_role(ANONYMOUS);
        let mut random = [0; 16];
        if getrandom::fill(&mut random).is_err() {
            return self.close(CloseCode::Internal, "no random numbers", ctx);
        }
        let inbox = format!("$inbox.{:032x}", u128::from_be_bytes(random));
        self.inbox = inbox;
        self.receipts = hello.receipts;
        match hello.instance {
            Some(instance) => self.enter(instance, hello.receipted, ctx),
            None => self.welcome(false, 0),
        }
    }

    /// Takes the instance over, after the connection that has it now has ended.
    fn enter(&mut self, instance: [u8; 16], receipted: Option<u64>, ctx: &mut Context<Self>) {
        match self.hub.instances.enter(instance, self.connection, ctx.address(), receipted) {
            Found::Past(past) => {
                self.instance = Some(instance);
                (self.received, self.inbox) = (past.received, past.inbox);
                (self.ahead, self.refusals) = (past.ahead, past.refusals);
                self.welcome(true, receipted.unwrap_or(past.received));
            }
            Found::New => {
                self.instance = Some(instance);
                self.welcome(false, 0);
            }
            Found::NewAndUnknown => self.welcome(false, 0),
            Found::Busy(older) => {
                self.busy = true;
                let replaced = async move {
                    if older.send(Replaced).await.is_err() {
                        // It has ended, and is about to say so.
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                };
                ctx.wait(replaced.into_actor(self).map(move |(), session, ctx| {
                    session.busy = false;
                    session.enter(instance, receipted, ctx);
                }));
            }
        }
    }

    /// `receipted` is the last receipt the client has seen.
    fn welcome(&mut self, resumed: bool, receipted: u64) {
        self.stage = Stage::Open;
        self.send(&Frame::Welcome(Welcome {
            version: VERSION,
            hub: self.hub.id,
            connection: self.connection,
            resumed,
            received: self.received,
            publisher: self.publisher.clone(),
            inbox: self.inbox.clone(),
            limits: self.hub.limits,
            keepalive_ms: self.hub.config.keepalive_ms,
            time_ms: now_ms(),
        }));
        for refused in self.refusals.since(receipted) {
            self.send(&Frame::Refused(refused.clone()));
        }
        self.receipted = receipted;
        self.receipt();
        self.flush_touched();
    }

    fn subscribe(&mut self, subscribe: Subscribe, ctx: &mut Context<Self>) {
        match self.admit(&subscribe) {
            Ok(filter) => {
                let entry = Arc::new(SubscriptionEntry {
                    id: subscribe.id,
                    filter,
                    group: subscribe.group.map(Arc::from),
                    overflow: subscribe.overflow,
                    start: subscribe.start,
                    positions: subscribe.positions,
                    outlet: self.outbound.clone(),
                });
                self.subscriptions.insert(entry.id, entry.clone());
                self.join(entry, ctx);
            }
            Err((code, message)) => {
                self.refuse(RefusedWhat::Subscribe, subscribe.id, code, message);
            }
        }
    }

    fn admit(&self, subscribe: &Subscribe) -> Result<TopicFilter, (RefusedCode, String)> {
        let filter = TopicFilter::parse(&subscribe.filter)
            .map_err(|error| (RefusedCode::BadFilter, error.to_string()))?;
        if self.subscriptions.contains_key(&subscribe.id) {
            let message = "this connection has a subscription with this id";
            return Err((RefusedCode::DuplicateSubscription, message.to_owned()));
        }
        if self.subscriptions.len() >= self.hub.config.max_subscriptions {
            let message = "this connection has as many subscriptions as it may have";
            return Err((RefusedCode::TooManySubscriptions, message.to_owned()));
        }
        if let Some(group) = &subscribe.group
            && (group.is_empty()
                || group.len() > MAX_NAME
                || !group.bytes().all(TopicName::is_allowed))
        {
            let message = "a group's name has 1 to 64 of the bytes that are allowed in topics";
            return Err((RefusedCode::BadOption, message.to_owned()));
        }
        let of_quarantine = filter.as_str().strip_prefix(QUARANTINE);
        let quarantine = self.loopback && of_quarantine.is_some_and(|rest| rest.starts_with('.'));
        if filter.is_reserved() && !quarantine {
            if filter.as_str() != self.inbox {
                let (code, message) = if filter.as_str().starts_with("$inbox.") {
                    (RefusedCode::Forbidden, "only its owner may subscribe to an inbox")
                } else {
                    (RefusedCode::ReservedTopic, "topics that begin with $ are the hub's")
                };
                return Err((code, message.to_owned()));
            }
            // Replies may come before anything else made the topic.
            if let Some(name) = filter.as_name() {
                self.hub
                    .registry
                    .get_or_create(&name)
                    .map_err(|error| (RefusedCode::TooManyTopics, error.to_string()))?;
            }
        }
        Ok(filter)
    }

    /// Joins every topic there is; nothing else happens in this session until all have answered,
    /// so that what the client sends next finds the subscription in place.
    fn join(&mut self, entry: Arc<SubscriptionEntry>, ctx: &mut Context<Self>) {
        let id = entry.id;
        let topics = self.hub.registry.subscribe(&entry);
        let joins: Vec<_> = topics
            .iter()
            .filter_map(|topic| topic.actor())
            .map(|actor| actor.send(Join(entry.clone())))
            .collect();
        if joins.is_empty() {
            return self.send(&Frame::Subscribed { id });
        }
        self.busy = true;
        ctx.wait(join_all(joins).into_actor(self).map(move |_, session, _| {
            session.busy = false;
            session.send(&Frame::Subscribed { id });
            session.flush_touched();
        }));
    }

    fn unsubscribe(&mut self, id: u64, ctx: &mut Context<Self>) {
        let Some(entry) = self.subscriptions.remove(&id) else {
            let message = "this connection has no subscription with this id";
            let code = RefusedCode::UnknownSubscription;
            self.refuse(RefusedWhat::Unsubscribe, id, code, message);
            return;
        };
        let left = leave(&self.hub, &entry);
        if left.is_empty() {
            return;
        }
        // So that a PONG behind it says that every topic has let go.
        self.busy = true;
        ctx.wait(join_all(left).into_actor(self).map(|_, session, _| session.busy = false));
    }
}

/// A newer connection of the same instance is here: end at once, and answer when the count of
/// what was received is final.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Replaced;

impl Handler<Replaced> for Session {
    type Result = ();

    fn handle(&mut self, _: Replaced, ctx: &mut Context<Self>) {
        self.publish_what_fits();
        self.leave_instance();
        self.gathering.runs.clear();
        self.close(CloseCode::Replaced, "a newer connection of this client took over", ctx);
    }
}

/// The id of a SUBSCRIBE or UNSUBSCRIBE that is otherwise unreadable.
fn id_of(body: &[u8], limits: &Limits) -> Option<u64> {
    // Behind the array's first byte and the type, which one byte each has told apart already.
    Reader::new(body.get(2..)?, limits).uint("id").ok()
}
