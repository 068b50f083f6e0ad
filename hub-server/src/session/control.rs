//! Handles the frames other than EVENT: HELLO, subscriptions, PING and CLOSE. Without this module,
//! no client could open a session or subscribe.

use super::acknowledge::ack_policy;
use super::checked_event::QUARANTINE;
use super::state::{Session, SessionState};
use super::subscribe_parts::start_bytes;
use super::unfinished::Unfinished;
use crate::limits::Limit;
use crate::limits::memory::MemoryPressure;
use actix::prelude::*;
use hub_core::topic::{
    Charge, SubscriberConnection, SubscriptionEntry, TopicGuard, for_inbox, turn_is_over,
};
use hub_wire::{
    CloseCode, Frame, FrameError, FrameErrorKind, FrameType, Limits, Reader, RefusedCode,
    RefusedWhat, Subscribe, Taken, TopicFilter, TopicName, VERSION,
};
use std::sync::Arc;

/// A TAKEN counts off this many events before the session looks whether its turn is over.
const TAKEN_PART: u64 = 4 * 1024;

/// Holds the filter of a subscription. If the client may not read all topics that match the filter,
/// there is also a guard that each topic has to pass.
pub(super) type CheckedFilter = (TopicFilter, Option<Arc<dyn TopicGuard>>);

/// A subscription takes this many bytes besides its filter and its positions.
const SUBSCRIPTION: usize = 1024;
/// The index of filters takes this many bytes for each byte of a filter.
const INDEXED: usize = 19;
/// The window of a subscription takes this many bytes.
const WINDOW: usize = 600;

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
        let id = taken.subscription;
        loop {
            // The number is cumulative, so it can be counted off in parts.
            let counted = self.output.queue().taken(id).unwrap_or(taken.taken);
            let part =
                Taken { taken: taken.taken.min(counted.saturating_add(TAKEN_PART)), ..*taken };
            if let Err(error) = self.output.queue().take(&part) {
                let error = self.output.queue().take(taken).err().unwrap_or(error);
                return self.close(CloseCode::Protocol, &error.to_string(), ctx);
            }
            if part.taken == taken.taken {
                break;
            }
            if turn_is_over() {
                return self.go_on_later(Unfinished::Taken(*taken));
            }
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
                // Whoever answers requests must not wait for a client that does not read the answers.
                let overflow = if self.is_inbox(&filter) { for_inbox(overflow) } else { overflow };
                let timeout = ack.as_ref().map(|ack| ack.timeout);
                let open = |window| queue.open_flow(id, window, overflow, timeout);
                let flow = subscribe.window.map(open);
                if subscribe.keep {
                    queue.keep_flow(subscribe.id);
                }
                let of_window = if subscribe.window.is_some() { WINDOW } else { 0 };
                let of_filter = SUBSCRIPTION + INDEXED * filter.as_str().len();
                let bytes = of_filter + of_window + start_bytes(&subscribe.start);
                let entry = Arc::new(SubscriptionEntry {
                    id: subscribe.id,
                    filter,
                    group: subscribe.group.map(Arc::from),
                    overflow,
                    start: subscribe.start,
                    positions: subscribe.positions,
                    observe: subscribe.observe,
                    flow,
                    replays: Default::default(),
                    ack,
                    connection: self.output.clone(),
                    guard,
                    charge: Some(Charge::new(self.limits.memory(), bytes)),
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

    fn is_inbox(&self, filter: &TopicFilter) -> bool {
        filter.as_str() == self.inbox
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
        if self.pressure() != MemoryPressure::Calm {
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
        if self.is_inbox(&filter) {
            self.check_inbox_rights(subscribe.overflow)?;
            // The hub refuses a reply to an inbox that has no topic, so the topic has to exist from
            // now on.
            if let Some(name) = filter.as_name() {
                self.hub
                    .directory
                    .registry
                    .get_or_create_for(&name, None, Some(self.limits.memory()))
                    .map_err(|error| (RefusedCode::TooManyTopics, error.to_string()))?;
            }
            return Ok((filter, None));
        }
        let no = |code, message: &str| Err((code, message.to_owned()));
        if filter.as_str().starts_with(TopicName::INBOX) {
            return no(RefusedCode::Forbidden, "only its owner may subscribe to an inbox");
        }
        let of_quarantine = filter.as_str().strip_prefix(QUARANTINE);
        if filter.is_reserved() && !of_quarantine.is_some_and(|rest| rest.starts_with('.')) {
            return no(RefusedCode::ReservedTopic, "topics that begin with $ are the hub's");
        }
        let guard = self.check_topic_rights(subscribe, &filter)?;
        Ok((filter, guard))
    }

    /// Asks every topic that matches to take the subscription in. The session takes in no other
    /// frame until all topics have answered, so that the next frames of the client find the
    /// subscription in place.
    ///
    /// A filter may match so many topics that its subscription takes more memory than there is. So it waits
    /// while memory is short and this client is above its share, and is refused as an event would be. For a
    /// client that has reset its connection, no more topics are asked: clients that subscribe and are gone at
    /// once would otherwise give the topics more to do than anybody can take back in time.
    fn join(&mut self, entry: Arc<SubscriptionEntry>, ctx: &mut Context<Self>) {
        let id = entry.id;
        let (limits, account) = (self.hub.limits.clone(), self.limits.memory().clone());
        let socket = self.socket.clone();
        let may_go_on =
            async move || !socket.is_reset() && limits.memory.has_room_for(&account).await;
        let Some(joins) = self.hub.directory.registry.join(&entry, may_go_on) else {
            return self.send(&Frame::Subscribed { id });
        };
        self.busy = true;
        ctx.wait(joins.into_actor(self).map(move |joined, session, ctx| {
            session.busy = false;
            if joined {
                session.send(&Frame::Subscribed { id });
                return session.flush_some();
            }
            // It must not be kept for the client's next connection either, because it has not joined all of
            // its topics.
            let Some(entry) = session.subscriptions.remove(&id) else { return };
            session.end_subscription(entry, false, ctx, move |session| {
                if !session.socket.is_reset() {
                    let message = "the hub is short of memory, and this filter matches many topics";
                    session.refuse_subscription(id, RefusedCode::Overloaded, message.to_owned());
                }
            });
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
        self.end_subscription(entry, drain, ctx, |_| ());
    }

    /// Ends a subscription that the session has no more, takes in no other frame until every topic has let it
    /// go, and calls `then`.
    fn end_subscription(
        &mut self,
        entry: Arc<SubscriptionEntry>,
        drain: bool,
        ctx: &mut Context<Self>,
        then: impl FnOnce(&mut Self) + 'static,
    ) {
        let id = entry.id;
        if drain {
            entry.replays.drain();
        }
        let Some(left) = self.hub.directory.registry.leave(vec![entry]) else {
            self.output.queue().close_flow(id, drain);
            return then(self);
        };
        // The session waits, so that a PONG behind this frame states that no topic has the
        // subscription any more.
        self.busy = true;
        ctx.wait(left.into_actor(self).map(move |_, session, _| {
            session.busy = false;
            session.output.queue().close_flow(id, drain);
            then(session);
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
