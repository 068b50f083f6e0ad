//! Declares the trait [`Emitter`], which states what a service may rely on, whether its emitter is
//! in-process or a client.
//!
//! The in-process hub and the client implement a few methods, and get the others from this module.
//! Otherwise a service that was tested with one of them could behave differently with the other.

use super::listen::{ListenerSubscription, one_by_one, start};
use super::serve::{answer_all, read_reply};
use super::trace;
use super::typed_listeners::{typed, typed_once};
use super::{
    BoxError, EmitError, Errors, Event, EventStream, Headers, ListenerFault, ListenerHandle,
    ListenerReturn, Listeners, Message, Next, Received, Request, RequestError, RequestOptions,
    ServeOptions, SubscribeError, SubscribeOptions, Subscription, encode,
};
use bytes::Bytes;
use hub_wire::{Overflow, TopicFilter, TopicName};
use std::time::Duration;
use tracing::Instrument;

/// Emits events, and calls listeners with the events of their topics. [`LocalHub`](super::LocalHub)
/// is an emitter in-process, and the client of `hub-client` is an emitter over the network.
///
/// An emitter is cheap to clone, and all clones stand for one emitter. The promises about listeners
/// hold for every emitter. The [module](crate::emitter) lists them.
///
/// ```
/// use hub_core::emitter::{Emitter, LocalHub, Received};
/// use hub_core::Event;
///
/// #[derive(serde::Serialize, serde::Deserialize, Event)]
/// #[event(topic = "orders.placed")]
/// struct OrderPlaced {
///     number: u64,
/// }
///
/// async fn bill(order: Received<OrderPlaced>) -> Result<(), std::io::Error> {
///     println!("order {} from {}", order.number, order.message.publisher);
///     Ok(())
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let hub = LocalHub::default();
/// hub.on(bill).await?;
/// let printing = hub.on(|order: Received<OrderPlaced>| println!("{}", order.number)).await?;
/// hub.emit(&OrderPlaced { number: 7 }).await?;
/// hub.off(printing);
/// # Ok(())
/// # }
/// ```
pub trait Emitter: Clone + Send + Sync + 'static {
    /// Emits a payload that is already encoded. The call waits for as long as there is no room for
    /// the event.
    fn emit_raw(
        &self,
        topic: &TopicName,
        payload: Bytes,
        headers: &Headers,
    ) -> impl Future<Output = Result<(), EmitError>> + Send;

    /// Subscribes to the topics of `filter`. The subscription is in place when the call returns.
    fn subscribe(
        &self,
        filter: TopicFilter,
        options: SubscribeOptions,
    ) -> impl Future<Output = Result<Subscription, SubscribeError>> + Send;

    /// Emits a payload that is already encoded, and waits for the first reply to it. Returns
    /// [`RequestError::TimedOut`] if no reply comes within `timeout`.
    ///
    /// The call sets the header `reply`. It also sets the header `id` if `headers` has none.
    fn request_raw(
        &self,
        topic: &TopicName,
        payload: Bytes,
        headers: Headers,
        timeout: Duration,
    ) -> impl Future<Output = Result<Message, RequestError>> + Send;

    /// Returns the registry of this emitter's listeners, to which their errors go as well.
    fn listeners(&self) -> &Listeners;

    /// Emits an event on its topic.
    fn emit<E: Event>(&self, event: &E) -> impl Future<Output = Result<(), EmitError>> + Send {
        self.emit_with(event, Headers::new())
    }

    /// Emits an event with headers on its topic.
    fn emit_with<E: Event>(
        &self,
        event: &E,
        headers: Headers,
    ) -> impl Future<Output = Result<(), EmitError>> + Send {
        async move {
            let (topic, payload) = (event.topic()?, encode(event)?);
            let (span, headers) = trace::send(&topic, payload.len(), headers);
            self.emit_raw(&topic, payload, &headers).instrument(span).await
        }
    }

    /// Calls `listener` with every event of type `E`: one event at a time, in the order of the
    /// topic.
    ///
    /// The listener is an `async` function or a closure, and returns nothing or a `Result`. If it
    /// returns an error, the error goes to [`Emitter::errors`], and the listener goes on with the
    /// next event. If it returns [`ControlFlow::Break`](std::ops::ControlFlow::Break), it is taken off.
    ///
    /// The listener lives as long as the emitter, also if the handle is dropped. [`Emitter::off`] and
    /// [`ListenerHandle::stop`] end it earlier. [`with_state`](super::with_state) gives a listener
    /// shared state.
    fn on<E, F, R, M>(
        &self,
        listener: F,
    ) -> impl Future<Output = Result<ListenerHandle, SubscribeError>> + Send
    where
        E: Event,
        F: FnMut(Received<E>) -> R + Send + 'static,
        R: ListenerReturn<M>,
        M: 'static,
    {
        self.on_with(SubscribeOptions::default(), listener)
    }

    /// Does what [`Emitter::on`] does, with these options.
    fn on_with<E, F, R, M>(
        &self,
        options: SubscribeOptions,
        listener: F,
    ) -> impl Future<Output = Result<ListenerHandle, SubscribeError>> + Send
    where
        E: Event,
        F: FnMut(Received<E>) -> R + Send + 'static,
        R: ListenerReturn<M>,
        M: 'static,
    {
        start(self, E::filter(), options, |subscription| typed(subscription, None, listener))
    }

    /// Does what [`Emitter::on`] does, but only for the next `count` events. After these events,
    /// the listener is taken off.
    fn many<E, F, R, M>(
        &self,
        count: u64,
        listener: F,
    ) -> impl Future<Output = Result<ListenerHandle, SubscribeError>> + Send
    where
        E: Event,
        F: FnMut(Received<E>) -> R + Send + 'static,
        R: ListenerReturn<M>,
        M: 'static,
    {
        let options = SubscribeOptions::default();
        start(self, E::filter(), options, move |subscription| {
            typed(subscription, Some(count), listener)
        })
    }

    /// Calls `listener` with every message on the topics of `filter`, whatever type its payload
    /// has.
    ///
    /// The field [`Message::topic`] states the topic of each message.
    fn on_filter<F, R, M>(
        &self,
        filter: TopicFilter,
        options: SubscribeOptions,
        mut listener: F,
    ) -> impl Future<Output = Result<ListenerHandle, SubscribeError>> + Send
    where
        F: FnMut(Message) -> R + Send + 'static,
        R: ListenerReturn<M>,
        M: 'static,
    {
        start(self, filter, options, |subscription| {
            one_by_one(subscription, None, move |message| {
                let returned = listener(message);
                async { returned.into_result_future().await.map_err(ListenerFault::failed) }
            })
        })
    }

    /// Calls `listener` with every message on one topic, whatever type its payload has.
    fn on_topic<F, R, M>(
        &self,
        topic: &TopicName,
        listener: F,
    ) -> impl Future<Output = Result<ListenerHandle, SubscribeError>> + Send
    where
        F: FnMut(Message) -> R + Send + 'static,
        R: ListenerReturn<M>,
        M: 'static,
    {
        self.on_filter(topic.into(), SubscribeOptions::default(), listener)
    }

    /// Waits for the next event of type `E`, in two steps. After the first `await` the subscription
    /// is in place, so an event that is emitted before the second `await` is not missed.
    ///
    /// ```
    /// # use hub_core::{Event, emitter::{Emitter, LocalHub}};
    /// # #[derive(serde::Serialize, serde::Deserialize, Event)]
    /// # #[event(topic = "orders.placed")]
    /// # struct OrderPlaced { number: u64 }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let hub = LocalHub::default();
    /// let next = hub.once::<OrderPlaced>().await?;
    /// hub.emit(&OrderPlaced { number: 7 }).await?;
    /// assert_eq!(next.await?.number, 7);
    /// # Ok(())
    /// # }
    /// ```
    fn once<E: Event>(&self) -> impl Future<Output = Result<Next<E>, SubscribeError>> + Send {
        // The queue has room for one event. A later event must not push this event out.
        let options = SubscribeOptions::new().capacity(1).overflow(Overflow::DropNewest);
        async move { Ok(Next::new(self.stream_with(options).await?)) }
    }

    /// Returns the events of type `E` as a stream, which also yields gaps.
    fn stream<E: Event>(
        &self,
    ) -> impl Future<Output = Result<EventStream<E>, SubscribeError>> + Send {
        self.stream_with(SubscribeOptions::default())
    }

    /// Does what [`Emitter::stream`] does, with these options.
    fn stream_with<E: Event>(
        &self,
        options: SubscribeOptions,
    ) -> impl Future<Output = Result<EventStream<E>, SubscribeError>> + Send {
        async move {
            let open = ListenerSubscription::open(self, E::filter(), options, false);
            Ok(EventStream::new(open.await?))
        }
    }

    /// Calls `listener` with the next event of type `E`, and then takes it off. An event that does not
    /// decode is reported, and the listener waits for the next one.
    ///
    /// [`Emitter::once`] waits for the event without a listener.
    fn on_once<E, F, R, M>(
        &self,
        listener: F,
    ) -> impl Future<Output = Result<ListenerHandle, SubscribeError>> + Send
    where
        E: Event,
        F: FnOnce(Received<E>) -> R + Send + 'static,
        R: ListenerReturn<M>,
        M: 'static,
    {
        let options = SubscribeOptions::default();
        start(self, E::filter(), options, |subscription| typed_once(subscription, listener))
    }

    /// Takes a listener off at once: it finishes the event that it is working on, and gets no further
    /// event, not even one that already waits for it. Listeners may call this function.
    ///
    /// [`ListenerHandle::stop`] lets the listener handle first what waits for it.
    fn off(&self, handle: ListenerHandle) {
        handle.off();
    }

    /// Takes off all listeners that are registered for exactly this filter, as [`Emitter::off`] does.
    /// Their [streams](Emitter::stream) and handlers of requests end too.
    fn remove_listeners(&self, filter: &TopicFilter) {
        self.listeners().remove(filter);
    }

    /// Takes off all listeners of this emitter, as [`Emitter::off`] does. Streams and handlers of
    /// requests end too.
    fn remove_all_listeners(&self) {
        self.listeners().remove_all();
    }

    /// Returns how many listeners are registered for exactly this filter.
    fn listener_count(&self, filter: &TopicFilter) -> usize {
        self.listeners().count(filter)
    }

    /// Returns the filters for which there are listeners, sorted.
    fn event_names(&self) -> Vec<TopicFilter> {
        self.listeners().event_names()
    }

    /// Returns a stream of the errors that listeners cause from now on. Errors that nobody reads
    /// are logged.
    fn errors(&self) -> Errors {
        self.listeners().errors()
    }

    /// Sends a request and waits for its reply for at most
    /// [`DEFAULT_REQUEST_TIMEOUT`](super::DEFAULT_REQUEST_TIMEOUT).
    fn request<Q: Request>(
        &self,
        request: &Q,
    ) -> impl Future<Output = Result<Q::Reply, RequestError>> + Send {
        self.request_with(request, RequestOptions::default())
    }

    /// Does what [`Emitter::request`] does, with these options.
    fn request_with<Q: Request>(
        &self,
        request: &Q,
        options: RequestOptions,
    ) -> impl Future<Output = Result<Q::Reply, RequestError>> + Send {
        async move {
            let (topic, payload) = (request.topic()?, encode(request)?);
            let (span, headers) = trace::send(&topic, payload.len(), options.headers);
            let answer = self.request_raw(&topic, payload, headers, options.timeout);
            read_reply::<Q>(&answer.instrument(span).await?)
        }
    }

    /// Answers each request of type `Q` with the value that `handler` returns.
    ///
    /// The handler may run several times at once, see [`ServeOptions::concurrency`]. If it fails or
    /// panics, or if the request does not decode, the requester gets [`RequestError::Failed`], and
    /// [`Emitter::errors`] yields the cause.
    ///
    /// ```
    /// use hub_core::emitter::{Emitter, LocalHub, Received, ServeOptions};
    /// use hub_core::Event;
    /// use std::num::ParseIntError;
    ///
    /// #[derive(serde::Serialize, serde::Deserialize, Event)]
    /// #[event(topic = "numbers.parse", reply = u64)]
    /// struct Parse(String);
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let hub = LocalHub::default();
    /// let handler = |text: Received<Parse>| async move { text.0.parse::<u64>() };
    /// hub.serve(ServeOptions::new(), handler).await?;
    /// assert_eq!(hub.request(&Parse("7".into())).await?, 7);
    /// let error = hub.request(&Parse("x".into())).await.unwrap_err();
    /// assert_eq!(error.to_string(), "the request failed: invalid digit found in string");
    /// # Ok(())
    /// # }
    /// ```
    fn serve<Q, F, Fut, E>(
        &self,
        options: ServeOptions,
        handler: F,
    ) -> impl Future<Output = Result<ListenerHandle, SubscribeError>> + Send
    where
        Q: Request,
        F: Fn(Received<Q>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Q::Reply, E>> + Send + 'static,
        E: Into<BoxError> + Send + 'static,
    {
        let subscribe = SubscribeOptions {
            overflow: options.overflow,
            group: options.group,
            capacity: options.capacity,
            concurrency: options.concurrency,
            ..SubscribeOptions::default()
        };
        let hub = self.clone();
        start(self, Q::filter(), subscribe, move |subscription| {
            answer_all(hub, subscription, options.concurrency, handler)
        })
    }
}
