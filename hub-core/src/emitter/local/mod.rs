//! Implements a hub without a network. Without this module, every unit test of a service would need
//! a server.

mod check;
mod inbox;
mod state;
mod subscriptions;

use self::check::{check_event, check_subscription, refusal};
use self::inbox::Inbox;
use self::state::{NewEvent, PublishAttempt, State};
use super::{
    EmitError, Emitter, Feed, Headers, Listeners, Message, Refusal, RequestError, SubscribeError,
    SubscribeOptions, Subscription,
};
use bytes::Bytes;
use futures_util::future::select_all;
use hub_wire::{RefusedCode, RefusedWhat, TopicFilter, TopicName};
use parking_lot::Mutex;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::coop::consume_budget;
use tokio::time::timeout;

/// Runs a hub inside this process: an [`Emitter`] without a network. It serves unit tests of
/// services, and programs that consist of one process.
///
/// A local hub refuses the topics, headers and payloads that a hub over the network refuses, and it
/// numbers events in the same way. It keeps the last event of each topic, for
/// [`Start::Last`](hub_wire::Start::Last).
///
/// The clock of a local hub is an argument. The clock of [`LocalHub::default`] counts events
/// instead of reading the time, so that a test sees equal times in each run.
///
/// ```
/// use hub_core::emitter::LocalHub;
/// use std::time::SystemTime;
///
/// let hub = LocalHub::new(|| {
///     let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
///     since.as_millis() as u64
/// });
/// let billing = hub.publishing_as("billing");
/// # drop(billing);
/// ```
#[derive(Clone)]
pub struct LocalHub {
    inner: Arc<Inner>,
    publisher: Arc<str>,
}

/// Holds what all clones of a [`LocalHub`] share.
struct Inner {
    state: Mutex<State>,
    inbox: Inbox,
    listeners: Listeners,
    clock: Box<dyn Fn() -> u64 + Send + Sync>,
}

/// States why an event was not published.
enum Unpublished {
    Refused(Refusal),
    NoSubscriber,
    Closed,
}

impl From<Refusal> for Unpublished {
    fn from(refusal: Refusal) -> Self {
        Unpublished::Refused(refusal)
    }
}

impl Default for LocalHub {
    /// Makes a hub whose events are one millisecond apart. The first event has the time 1.
    fn default() -> Self {
        let ticks = AtomicU64::new(1);
        LocalHub::new(move || ticks.fetch_add(1, Ordering::Relaxed))
    }
}

impl LocalHub {
    /// Makes a hub with this clock, which returns milliseconds since the Unix epoch. The hub calls
    /// the clock once for each event. The clock must not use the hub.
    pub fn new(clock: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        let inner = Inner {
            state: Mutex::default(),
            inbox: Inbox::default(),
            listeners: Listeners::new(),
            clock: Box::new(clock),
        };
        LocalHub { inner: Arc::new(inner), publisher: "local".into() }
    }

    /// Returns a handle of this hub with another publisher stamp. Events that are emitted on the
    /// returned handle have this stamp.
    #[must_use]
    pub fn publishing_as(&self, publisher: &str) -> Self {
        LocalHub { inner: self.inner.clone(), publisher: publisher.into() }
    }

    /// Closes the hub for all its clones. Subscriptions end after the deliveries that wait for
    /// them, and nothing more can be emitted.
    pub fn close(&self) {
        self.inner.state.lock().close();
        self.inner.inbox.close();
    }

    /// Publishes the event as soon as every subscription with the policy `block` has room.
    async fn publish(&self, event: &NewEvent<'_>, to_somebody: bool) -> Result<(), Unpublished> {
        loop {
            let attempt = self.inner.state.lock().publish(event, to_somebody, &self.inner.clock);
            match attempt {
                PublishAttempt::Done => return Ok(()),
                PublishAttempt::NoSubscriber => return Err(Unpublished::NoSubscriber),
                PublishAttempt::Closed => return Err(Unpublished::Closed),
                PublishAttempt::TooManyTopics => {
                    let text = "the hub holds as many topics as it may hold";
                    let code = RefusedCode::TooManyTopics;
                    return Err(refusal(RefusedWhat::Event, code, text).into());
                }
                PublishAttempt::NoRoom(members) => {
                    let room = members.iter().map(|member| Box::pin(member.feed.room()));
                    select_all(room).await;
                }
            }
        }
    }

    /// Makes the message of an event.
    fn message(&self, event: &NewEvent<'_>, seq: u64) -> Message {
        event.message(state::EPOCH, seq, (self.inner.clock)())
    }
}

impl Emitter for LocalHub {
    async fn emit_raw(
        &self,
        topic: &TopicName,
        payload: Bytes,
        headers: &Headers,
    ) -> Result<(), EmitError> {
        // There is nearly always room for an event. Without this line, a loop that emits would
        // never let the listeners on its thread run.
        consume_budget().await;
        let event = NewEvent { topic, payload, headers, publisher: &self.publisher };
        if Inbox::has(topic) {
            self.inner.inbox.answer(topic, || self.message(&event, 1));
            return Ok(());
        }
        let published = async {
            check_event(&event)?;
            // An event with the header `reply` is a request, even if a program emits it with
            // `emit_raw`.
            self.publish(&event, event.headers.reply().is_some()).await
        };
        published.await.map_err(|error| match error {
            Unpublished::Refused(refusal) => EmitError::Refused(refusal),
            Unpublished::NoSubscriber => {
                let (code, text) = (RefusedCode::NoSubscriber, "nobody is there to answer");
                EmitError::Refused(refusal(RefusedWhat::Event, code, text))
            }
            Unpublished::Closed => EmitError::Closed,
        })
    }

    async fn subscribe(
        &self,
        filter: TopicFilter,
        options: SubscribeOptions,
    ) -> Result<Subscription, SubscribeError> {
        check_subscription(&filter, &options).map_err(SubscribeError::Refused)?;
        let mut state = self.inner.state.lock();
        if state.is_closed() {
            return Err(SubscribeError::Closed);
        }
        let id = state.next_id();
        let hub = Arc::downgrade(&self.inner);
        let (feed, subscription) = Feed::open(&options, {
            let filter = filter.clone();
            move |left| {
                if let Some(hub) = hub.upgrade() {
                    hub.state.lock().leave(id, &filter, left);
                }
            }
        });
        state.join(id, filter, options, feed);
        Ok(subscription)
    }

    async fn request_raw(
        &self,
        topic: &TopicName,
        payload: Bytes,
        headers: Headers,
        time: Duration,
    ) -> Result<Message, RequestError> {
        let Some(mut pending) = self.inner.inbox.open() else { return Err(RequestError::Closed) };
        let headers = headers.with_reply(pending.topic().clone());
        let headers = match headers.id() {
            Some(_) => headers,
            None => headers.with_id(pending.id()),
        };
        let event = NewEvent { topic, payload, headers: &headers, publisher: &self.publisher };
        let answered = async {
            check_event(&event)?;
            self.publish(&event, true).await?;
            pending.answer().await.ok_or(Unpublished::Closed)
        };
        match timeout(time, answered).await {
            Ok(answer) => answer.map_err(|error| match error {
                Unpublished::Refused(refusal) => RequestError::Refused(refusal),
                Unpublished::NoSubscriber => RequestError::NoSubscriber,
                Unpublished::Closed => RequestError::Closed,
            }),
            Err(_) => Err(RequestError::TimedOut),
        }
    }

    fn listeners(&self) -> &Listeners {
        &self.inner.listeners
    }
}

impl fmt::Debug for LocalHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalHub").field("publisher", &self.publisher).finish_non_exhaustive()
    }
}
