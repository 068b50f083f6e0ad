//! Frames other than EVENT and HELLO: what is subscribed to, and what the client asks or says.

use super::checked_event::QUARANTINE;
use super::close::leave;
use super::state::{Session, SessionState};
use crate::limits::Limit;
use crate::limits::memory::MemoryPressure;
use crate::policy::access::{Identity, Subscribable};
use actix::prelude::*;
use futures_util::future::join_all;
use hub_core::topic::{Join, SubscriptionEntry, TopicGuard};
use hub_wire::{
    CloseCode, Frame, FrameErrorKind, FrameType, Limits, Reader, RefusedCode, RefusedWhat,
    Subscribe, TopicFilter, TopicName,
};
use std::sync::Arc;

/// A subscription's filter, and what it may read of it.
type Admitted = (TopicFilter, Option<Arc<dyn TopicGuard>>);

/// The topics that an identity may read.
#[derive(Debug)]
struct Readable(Identity);

impl TopicGuard for Readable {
    fn may_read(&self, topic: &TopicName) -> bool {
        self.0.rights().may_read(topic)
    }
}

impl Session {
    pub(super) fn control(&mut self, body: &[u8], ctx: &mut Context<Self>) {
        let limits = self.hub.limits.wire;
        let frame = match Frame::parse(body, &limits) {
            Ok(frame) => frame,
            Err(error) => {
                let kind = FrameType::of(body).ok();
                let id = id_of(body, &limits);
                let message = error.to_string();
                let (what, number, code) = match (self.state, kind, error.kind, id) {
                    (SessionState::Open, None, FrameErrorKind::UnknownType(_), _) => {
                        (RefusedWhat::Frame, 0, RefusedCode::UnknownFrame)
                    }
                    (SessionState::Open, Some(FrameType::Subscribe), kind, Some(id)) => {
                        let bad_option = matches!(kind, FrameErrorKind::NoSuchValue { .. });
                        let code = match bad_option {
                            true => RefusedCode::BadOption,
                            false => RefusedCode::Malformed,
                        };
                        (RefusedWhat::Subscribe, id, code)
                    }
                    (SessionState::Open, Some(FrameType::Unsubscribe), _, Some(id)) => {
                        (RefusedWhat::Unsubscribe, id, RefusedCode::Malformed)
                    }
                    _ => return self.close(CloseCode::Protocol, &message, ctx),
                };
                return self.refuse(what, number, code, message);
            }
        };
        match (self.state, frame) {
            (SessionState::Handshake, Frame::Hello(hello)) => self.hello(hello, ctx),
            (SessionState::Handshake, _) => {
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

    fn subscribe(&mut self, subscribe: Subscribe, ctx: &mut Context<Self>) {
        match self.admit(&subscribe) {
            Ok((filter, guard)) => {
                let entry = Arc::new(SubscriptionEntry {
                    id: subscribe.id,
                    filter,
                    group: subscribe.group.map(Arc::from),
                    overflow: subscribe.overflow,
                    start: subscribe.start,
                    positions: subscribe.positions,
                    connection: self.output.clone(),
                    guard,
                });
                self.subscriptions.insert(entry.id, entry.clone());
                self.join(entry, ctx);
            }
            Err((code, message)) => {
                match code {
                    RefusedCode::TooManySubscriptions => {
                        self.hub.metrics.limited(Limit::Subscriptions);
                    }
                    RefusedCode::TooManyTopics => self.hub.metrics.limited(Limit::Topics),
                    RefusedCode::Overloaded => self.hub.metrics.limited(Limit::Memory),
                    _ => {}
                }
                self.refuse(RefusedWhat::Subscribe, subscribe.id, code, message);
            }
        }
    }

    fn admit(&self, subscribe: &Subscribe) -> Result<Admitted, (RefusedCode, String)> {
        let filter = TopicFilter::parse(&subscribe.filter)
            .map_err(|error| (RefusedCode::BadFilter, error.to_string()))?;
        if self.subscriptions.contains_key(&subscribe.id) {
            let message = "this connection has a subscription with this id";
            return Err((RefusedCode::DuplicateSubscription, message.to_owned()));
        }
        if self.subscriptions.len() >= self.hub.limits.in_force.current().max_subscriptions {
            let message = "this connection has as many subscriptions as it may have";
            return Err((RefusedCode::TooManySubscriptions, message.to_owned()));
        }
        if self.hub.limits.memory.pressure() == MemoryPressure::Refuse {
            return Err((RefusedCode::Overloaded, "the hub is short of memory".to_owned()));
        }
        if let Some(group) = &subscribe.group
            && !TopicName::is_label(group)
        {
            let message = "a group's name has 1 to 64 of the bytes allowed in a topic's token";
            return Err((RefusedCode::BadOption, message.to_owned()));
        }
        if filter.as_str() == self.inbox {
            // Replies may come before anything else made the topic.
            if let Some(name) = filter.as_name() {
                self.hub
                    .directory
                    .registry
                    .get_or_create(&name)
                    .map_err(|error| (RefusedCode::TooManyTopics, error.to_string()))?;
            }
            return Ok((filter, None));
        }
        let no = |code, message: &str| Err((code, message.to_owned()));
        if filter.as_str().starts_with("$inbox.") {
            return no(RefusedCode::Forbidden, "only its owner may subscribe to an inbox");
        }
        let of_quarantine = filter.as_str().strip_prefix(QUARANTINE);
        if filter.is_reserved() && !of_quarantine.is_some_and(|rest| rest.starts_with('.')) {
            return no(RefusedCode::ReservedTopic, "topics that begin with $ are the hub's");
        }
        let Some(identity) = &self.identity else {
            return no(RefusedCode::Forbidden, "nobody knows who this client is");
        };
        match identity.rights().may_subscribe(&filter) {
            Subscribable::All => Ok((filter, None)),
            Subscribable::Partly => {
                let guard = Readable(identity.clone());
                Ok((filter, Some(Arc::new(guard))))
            }
            Subscribable::No => no(RefusedCode::Forbidden, "this client may not read that"),
        }
    }

    /// Joins every topic there is; nothing else happens in this session until all have answered,
    /// so that what the client sends next finds the subscription in place.
    fn join(&mut self, entry: Arc<SubscriptionEntry>, ctx: &mut Context<Self>) {
        let id = entry.id;
        let topics = self.hub.directory.registry.subscribe(&entry);
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
            session.flush_some();
        }));
    }

    fn unsubscribe(&mut self, id: u64, ctx: &mut Context<Self>) {
        let Some(entry) = self.subscriptions.remove(&id) else {
            let message = "this connection has no subscription with this id";
            let code = RefusedCode::UnknownSubscription;
            return self.refuse(RefusedWhat::Unsubscribe, id, code, message);
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

/// The id of a SUBSCRIBE or UNSUBSCRIBE that is otherwise unreadable.
fn id_of(body: &[u8], limits: &Limits) -> Option<u64> {
    // Behind the array's first byte and the type, which one byte each has told apart already.
    Reader::new(body.get(2..)?, limits).uint("id").ok()
}
