//! Handles the frames other than EVENT: HELLO, subscriptions, PING and CLOSE. Without this module,
//! no client could open a session or subscribe.

use super::acknowledge::ack_policy;
use super::checked_event::QUARANTINE;
use super::close::leave;
use super::state::{Session, SessionState};
use crate::limits::Limit;
use crate::limits::memory::MemoryPressure;
use crate::policy::access::{Identity, Subscribable};
use actix::prelude::*;
use futures_util::future::join_all;
use hub_core::topic::{Join, SubscriberConnection, SubscriptionEntry, TopicGuard};
use hub_wire::{
    CloseCode, Frame, FrameError, FrameErrorKind, FrameType, Limits, Reader, RefusedCode,
    RefusedWhat, Subscribe, Taken, TopicFilter, TopicName, VERSION,
};
use std::sync::Arc;

/// Holds the filter of a subscription. If the client may not read all topics that match the filter,
/// there is also a guard that each topic has to pass.
pub(super) type CheckedFilter = (TopicFilter, Option<Arc<dyn TopicGuard>>);

/// Lets a subscription join only the topics that its identity may read.
#[derive(Debug)]
struct Readable(Identity);

impl TopicGuard for Readable {
    fn may_read(&self, topic: &TopicName) -> bool {
        self.0.rights().may_read(topic)
    }
}

impl Session {
    /// Handles one frame that is not an EVENT. The caller has published the events in front of the
    /// frame.
    pub(super) fn control(&mut self, body: &[u8], ctx: &mut Context<Self>) {
        if self.state == SessionState::Handshake && Self::has_no_common_version(body) {
            let reason = format!("this hub speaks version {VERSION} of the protocol");
            return self.close(CloseCode::Version, &reason, ctx);
        }
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
                    (SessionState::Open, Some(FrameType::Subscribe), _, Some(id)) => {
                        let code = code_of_bad_subscribe(body, &error, &limits);
                        (RefusedWhat::Subscribe, id, code)
                    }
                    (SessionState::Open, Some(FrameType::Unsubscribe), _, Some(id)) => {
                        (RefusedWhat::Unsubscribe, id, RefusedCode::Malformed)
                    }
                    _ => return self.close(CloseCode::Protocol, &message, ctx),
                };
                if what == RefusedWhat::Subscribe {
                    self.forget_parts(number);
                }
                return self.refuse(what, number, code, message);
            }
        };
        match (self.state, frame) {
            (SessionState::Handshake, Frame::Hello(hello)) => self.hello(hello, ctx),
            (SessionState::Handshake, _) => {
                self.close(CloseCode::Protocol, "the first frame must be HELLO", ctx);
            }
            (_, Frame::Subscribe(subscribe)) => self.subscribe(subscribe, ctx),
            (_, Frame::Unsubscribe { id, drain }) => self.unsubscribe(id, drain, ctx),
            (_, Frame::Taken(taken)) => self.taken(&taken, ctx),
            (_, Frame::Ack(ack)) => self.acknowledge(ack, ctx),
            (_, Frame::Resume(resume)) => self.resume(&resume, ctx),
            (_, Frame::Ping { token }) => {
                self.receipt();
                self.send(&Frame::Pong { token });
            }
            (_, Frame::Pong { .. }) => {}
            (_, Frame::Close(_)) => self.close(CloseCode::Normal, "goodbye", ctx),
            _ => self.close(CloseCode::Protocol, "this frame is not allowed here", ctx),
        }
    }

    /// Handles TAKEN: sends what the window of the subscription has room for now.
    pub(super) fn taken(&mut self, taken: &Taken, ctx: &mut Context<Self>) {
        if let Err(error) = self.output.queue().take(taken) {
            return self.close(CloseCode::Protocol, &error.to_string(), ctx);
        }
        if let Some(entry) = self.subscriptions.get(&taken.subscription).cloned() {
            self.feed(&entry);
        }
        self.output.flush();
    }

    /// Adds a subscription, or refuses it.
    fn subscribe(&mut self, part: Subscribe, ctx: &mut Context<Self>) {
        let Some(subscribe) = self.collect(part) else { return };
        let checked = self.check_subscribe(&subscribe).and_then(|(filter, guard)| {
            let ack = subscribe.ack.as_ref();
            let ack =
                ack.map(|terms| ack_policy(terms, &filter, self.identity.as_ref())).transpose()?;
            Ok((filter, guard, ack))
        });
        match checked {
            Ok((filter, guard, ack)) => {
                let queue = self.output.queue();
                let (id, overflow) = (subscribe.id, subscribe.overflow);
                let timeout = ack.as_ref().map(|ack| ack.timeout);
                let open = |window| queue.open_flow(id, window, overflow, timeout);
                let flow = subscribe.window.map(open);
                if subscribe.keep {
                    queue.keep_flow(subscribe.id);
                }
                let entry = Arc::new(SubscriptionEntry {
                    id: subscribe.id,
                    filter,
                    group: subscribe.group.map(Arc::from),
                    overflow: subscribe.overflow,
                    start: subscribe.start,
                    positions: subscribe.positions,
                    observe: subscribe.observe,
                    flow,
                    replays: Default::default(),
                    ack,
                    connection: self.output.clone(),
                    guard,
                });
                self.subscriptions.insert(entry.id, entry.clone());
                if entry.ack.is_some() {
                    self.watch_for_late_events(ctx);
                }
                self.join(entry, ctx);
            }
            Err((code, message)) => self.refuse_subscription(subscribe.id, code, message),
        }
    }

    /// Refuses a subscription, and counts the limit because of which it is refused.
    pub(super) fn refuse_subscription(&self, id: u64, code: RefusedCode, message: String) {
        match code {
            RefusedCode::TooManySubscriptions => self.hub.metrics.limited(Limit::Subscriptions),
            RefusedCode::TooManyTopics => self.hub.metrics.limited(Limit::Topics),
            RefusedCode::Overloaded => self.hub.metrics.limited(Limit::Memory),
            _ => {}
        }
        self.refuse(RefusedWhat::Subscribe, id, code, message);
    }

    /// Checks whether the client may have this subscription.
    pub(super) fn check_subscribe(
        &self,
        subscribe: &Subscribe,
    ) -> Result<CheckedFilter, (RefusedCode, String)> {
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
        if subscribe.keep && !self.has_instance {
            let message = "the hub keeps subscriptions only for a client with an instance";
            return Err((RefusedCode::BadOption, message.to_owned()));
        }
        if let Some(group) = &subscribe.group
            && !TopicName::is_label(group)
        {
            let message = "a group's name has 1 to 64 of the bytes allowed in a topic's token";
            return Err((RefusedCode::BadOption, message.to_owned()));
        }
        if filter.as_str() == self.inbox {
            // The hub refuses a reply to an inbox that has no topic, so the topic has to exist from
            // now on.
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
            return no(RefusedCode::Forbidden, "this client has no identity");
        };
        match identity.rights().may_subscribe(&filter) {
            Subscribable::All => Ok((filter, None)),
            Subscribable::Partly => {
                let guard = Readable(identity.clone());
                Ok((filter, Some(Arc::new(guard))))
            }
            Subscribable::No => no(RefusedCode::Forbidden, "this client may not read these topics"),
        }
    }

    /// Asks every topic that matches to take the subscription in. The session takes in no other
    /// frame until all topics have answered, so that the next frames of the client find the
    /// subscription in place.
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

    /// Ends a subscription, and takes in no other frame until every topic has let the subscription
    /// go.
    fn unsubscribe(&mut self, id: u64, drain: bool, ctx: &mut Context<Self>) {
        if self.forget_parts(id) {
            return;
        }
        let Some(entry) = self.subscriptions.remove(&id) else {
            let message = "this connection has no subscription with this id";
            let code = RefusedCode::UnknownSubscription;
            return self.refuse(RefusedWhat::Unsubscribe, id, code, message);
        };
        if drain {
            entry.replays.drain();
        }
        let left = leave(&self.hub, &entry);
        if left.is_empty() {
            return self.output.queue().close_flow(id, drain);
        }
        // The session waits, so that a PONG behind this frame states that no topic has the
        // subscription any more.
        self.busy = true;
        ctx.wait(join_all(left).into_actor(self).map(move |_, session, _| {
            session.busy = false;
            session.output.queue().close_flow(id, drain);
        }));
    }
}

/// Returns the code that answers a SUBSCRIBE with this error. Whatever is wrong with an option has one
/// code, as whatever is wrong with a header has: its type, its value, or that it comes twice.
fn code_of_bad_subscribe(body: &[u8], error: &FrameError, limits: &Limits) -> RefusedCode {
    let options_at = || {
        let mut read = Reader::new(body.get(2..)?, limits);
        read.uint("id").ok()?;
        read.str("filter").ok()?;
        Some(2 + read.position())
    };
    match error.kind {
        FrameErrorKind::NoSuchValue { .. }
        | FrameErrorKind::Repeated { .. }
        | FrameErrorKind::TooMany { .. } => RefusedCode::BadOption,
        FrameErrorKind::WrongType { .. } | FrameErrorKind::FloatForInteger { .. }
            if options_at().is_some_and(|at| error.at > at) =>
        {
            RefusedCode::BadOption
        }
        _ => RefusedCode::Malformed,
    }
}

/// Returns the id of a SUBSCRIBE or UNSUBSCRIBE frame that cannot be parsed as a whole. Returns
/// `None` if the id cannot be read either.
fn id_of(body: &[u8], limits: &Limits) -> Option<u64> {
    // The id follows the first byte of the array and the frame type, which is one byte for these
    // two frames.
    Reader::new(body.get(2..)?, limits).uint("id").ok()
}
