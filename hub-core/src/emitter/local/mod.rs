//! Implements a hub without a network. Without this module, every unit test of a service would need
//! a server.

mod check;
mod inbox;
mod injected;
mod injected_refusals;
mod inner;
mod new_event;
mod redelivery;
mod state;
mod subscriptions;

use self::check::{check_event, check_subscription, refusal};
use self::inbox::Inbox;
use self::inner::{Inner, Unpublished};
use self::new_event::NewEvent;
use self::redelivery::FailedSubscription;
use super::{
    EmitError, Emitter, Feed, Headers, Listeners, Message, RequestError, Settlement,
    SubscribeError, SubscribeOptions, Subscription,
};
use bytes::Bytes;
use hub_wire::{RefusedCode, RefusedWhat, TopicFilter, TopicName};
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
        let inner = Inner::new(Box::new(clock));
        LocalHub { inner: Arc::new(inner), publisher: "local".into() }
    }

    /// Returns a handle of this hub with another publisher stamp. Events that are emitted on the
    /// returned handle have this stamp.
    #[must_use]
    pub fn publishing_as(&self, publisher: &str) -> Self {
        LocalHub { inner: self.inner.clone(), publisher: publisher.into() }
    }

    /// Waits until every listener is done: nothing waits for a listener, and none is working, so
    /// everything that listeners emit because of earlier events has been emitted. The hub goes on
    /// afterwards. With this function, a test can show that something was not emitted.
    ///
    /// The function does not wait for streams and plain subscriptions, which the program reads itself,
    /// nor for tasks that a listener has spawned.
    ///
    /// ```
    /// # use hub_core::{Event, emitter::{Emitter, LocalHub, Received, with_state}};
    /// # #[derive(serde::Serialize, serde::Deserialize, Event)]
    /// # #[event(topic = "orders.placed")]
    /// # struct OrderPlaced { cents: u64 }
    /// # #[derive(Debug, serde::Serialize, serde::Deserialize, Event)]
    /// # #[event(topic = "orders.large")]
    /// # struct Large;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let hub = LocalHub::default();
    /// let mut large = hub.stream::<Large>().await?;
    /// hub.on(with_state(hub.clone(), async |hub: LocalHub, order: Received<OrderPlaced>| {
    ///     if order.cents > 10_000 {
    ///         let _ = hub.emit(&Large).await;
    ///     }
    /// }))
    /// .await?;
    /// hub.emit(&OrderPlaced { cents: 995 }).await?;
    /// hub.drain().await;
    /// hub.close();
    /// assert!(large.next().await.is_none(), "a small order is not a large one");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn drain(&self) {
        loop {
            // Listeners emit under this lock, so nothing is emitted while they are looked at.
            let busy = {
                let _state = self.inner.state.lock();
                self.inner.listeners.busy()
            };
            match busy {
                Some(queue) => queue.idle().await,
                None if !self.inner.has_set_aside() => return,
                None => self.inner.nothing_set_aside().await,
            }
        }
    }

    /// Closes the hub for all its clones. Subscriptions end after the deliveries that wait for
    /// them, and nothing more can be emitted.
    ///
    /// What a listener would emit because of a waiting event can therefore not be emitted any more.
    /// Call [`LocalHub::drain`] first.
    pub fn close(&self) {
        self.inner.state.lock().close();
        self.inner.inbox.close();
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
            let epoch = self.inner.state.lock().epoch();
            let time = (self.inner.clock)();
            self.inner.inbox.answer(topic, || event.message(epoch, 1, time));
            return Ok(());
        }
        let published = async {
            check_event(&event)?;
            // An event with the header `reply` is a request, even if a program emits it with
            // `emit_raw`.
            self.inner.publish(&event, event.headers.reply().is_some()).await
        };
        published.await.map_err(|error| match error {
            Unpublished::Refused(refusal) => EmitError::Refused(refusal),
            Unpublished::NoSubscriber => {
                let (code, text) = (RefusedCode::NoSubscriber, "nobody is there to answer");
                EmitError::Refused(refusal(RefusedWhat::Event, code, text))
            }
            Unpublished::Closed => EmitError::Closed,
            Unpublished::Forgotten => EmitError::OutcomeUnknown,
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
        let leave = {
            let (hub, filter) = (Arc::downgrade(&self.inner), filter.clone());
            move |left| {
                if let Some(hub) = hub.upgrade() {
                    hub.state.lock().leave(id, &filter, left);
                }
            }
        };
        let (feed, subscription) = match options.acknowledge.clone() {
            None => Feed::open(&options, leave),
            Some(terms) => {
                let group = options.group.as_deref().map(Arc::from);
                let failed = FailedSubscription { id, group, terms };
                let hub = Arc::downgrade(&self.inner);
                Feed::open_acknowledged(&options, leave, move |_, settlement| {
                    if let (Settlement::Failed(message, reason), Some(hub)) =
                        (settlement, hub.upgrade())
                    {
                        hub.failed(&failed, *message, reason);
                    }
                })
            }
        };
        let hub = Arc::downgrade(&self.inner);
        feed.on_stop({
            let filter = filter.clone();
            move || {
                if let Some(hub) = hub.upgrade() {
                    hub.state.lock().leave(id, &filter, Vec::new());
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
            self.inner.publish(&event, true).await?;
            pending.answer().await.ok_or_else(|| match self.inner.inbox.is_closed() {
                true => Unpublished::Closed,
                false => Unpublished::Forgotten,
            })
        };
        match timeout(time, answered).await {
            Ok(answer) => answer.map_err(|error| match error {
                Unpublished::Refused(refusal) => RequestError::Refused(refusal),
                Unpublished::NoSubscriber => RequestError::NoSubscriber,
                Unpublished::Closed => RequestError::Closed,
                Unpublished::Forgotten => RequestError::OutcomeUnknown,
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
