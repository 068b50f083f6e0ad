use super::listen::{Source, one_by_one, start};
use super::serve::{answer_all, read_reply};
use super::{
    BoxError, EmitError, Errors, Event, EventStream, Headers, ListenerFault, ListenerHandle,
    Listeners, Message, Next, Reaction, Received, Request, RequestError, RequestOptions,
    ServeOptions, SubscribeError, SubscribeOptions, Subscription, encode,
};
use bytes::Bytes;
use futures_util::future::Either;
use hub_wire::{Overflow, TopicFilter, TopicName};
use std::future::ready;
use std::time::Duration;

/// Something on which events are emitted and listened to: [`LocalHub`](super::LocalHub) in-process, the client
/// of `hub-client` over the network.
///
/// Cheap to clone; clones are the same emitter. What is promised about listeners is the same
/// for all emitters, see the [module](crate::emitter).
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
/// let billing = hub.on(bill).await?;
/// let printing = hub.on(|order: Received<OrderPlaced>| println!("{}", order.number)).await?;
/// hub.emit(&OrderPlaced { number: 7 }).await?;
/// hub.off(printing);
/// # billing.stop().await;
/// # Ok(())
/// # }
/// ```
pub trait Emitter: Clone + Send + Sync + 'static {
    /// Emits a payload that is encoded already. Waits for as long as there is no room.
    fn emit_raw(
        &self,
        topic: &TopicName,
        payload: Bytes,
        headers: &Headers,
    ) -> impl Future<Output = Result<(), EmitError>> + Send;

    /// Subscribes. The subscription is in place when this returns.
    fn subscribe(
        &self,
        filter: TopicFilter,
        options: SubscribeOptions,
    ) -> impl Future<Output = Result<Subscription, SubscribeError>> + Send;

    /// Emits a payload that is encoded already, and waits for the first answer to it.
    ///
    /// Sets the header `reply`, and `id` where there is none.
    fn request_raw(
        &self,
        topic: &TopicName,
        payload: Bytes,
        headers: Headers,
        timeout: Duration,
    ) -> impl Future<Output = Result<Message, RequestError>> + Send;

    /// Who listens, and what went wrong.
    fn listeners(&self) -> &Listeners;

    /// Emits an event on its topic.
    fn emit<E: Event>(&self, event: &E) -> impl Future<Output = Result<(), EmitError>> + Send {
        self.emit_with(event, Headers::new())
    }

    /// Emits an event on its topic, with headers.
    fn emit_with<E: Event>(
        &self,
        event: &E,
        headers: Headers,
    ) -> impl Future<Output = Result<(), EmitError>> + Send {
        async move { self.emit_raw(&event.topic()?, encode(event)?, &headers).await }
    }

    /// Calls `listener` with every event of type `E`, one at a time, in topic order.
    ///
    /// The listener is an `async` function or a closure, and may return nothing or a `Result`.
    /// An error goes to [`Emitter::errors`]; the listener goes on with the next event.
    fn on<E, F, R, M>(
        &self,
        listener: F,
    ) -> impl Future<Output = Result<ListenerHandle, SubscribeError>> + Send
    where
        E: Event,
        F: FnMut(Received<E>) -> R + Send + 'static,
        R: Reaction<M>,
        M: 'static,
    {
        self.on_with(SubscribeOptions::default(), listener)
    }

    /// As [`Emitter::on`], with options.
    fn on_with<E, F, R, M>(
        &self,
        options: SubscribeOptions,
        listener: F,
    ) -> impl Future<Output = Result<ListenerHandle, SubscribeError>> + Send
    where
        E: Event,
        F: FnMut(Received<E>) -> R + Send + 'static,
        R: Reaction<M>,
        M: 'static,
    {
        start(self, E::filter(), options, |source| typed(source, None, listener))
    }

    /// As [`Emitter::on`], for the next `count` events; then the listener is taken off.
    fn many<E, F, R, M>(
        &self,
        count: u64,
        listener: F,
    ) -> impl Future<Output = Result<ListenerHandle, SubscribeError>> + Send
    where
        E: Event,
        F: FnMut(Received<E>) -> R + Send + 'static,
        R: Reaction<M>,
        M: 'static,
    {
        let options = SubscribeOptions::default();
        start(self, E::filter(), options, move |source| typed(source, Some(count), listener))
    }

    /// Calls `listener` with every message on the topics of `filter`, whatever its type.
    ///
    /// The message says on which topic it came.
    fn on_filter<F, R, M>(
        &self,
        filter: TopicFilter,
        options: SubscribeOptions,
        mut listener: F,
    ) -> impl Future<Output = Result<ListenerHandle, SubscribeError>> + Send
    where
        F: FnMut(Message) -> R + Send + 'static,
        R: Reaction<M>,
        M: 'static,
    {
        start(self, filter, options, |source| {
            one_by_one(source, None, move |message| {
                let reaction = listener(message);
                async { reaction.react().await.map_err(ListenerFault::failed) }
            })
        })
    }

    /// Calls `listener` with every message on one topic, whatever its type.
    fn on_topic<F, R, M>(
        &self,
        topic: &TopicName,
        listener: F,
    ) -> impl Future<Output = Result<ListenerHandle, SubscribeError>> + Send
    where
        F: FnMut(Message) -> R + Send + 'static,
        R: Reaction<M>,
        M: 'static,
    {
        self.on_filter(topic.into(), SubscribeOptions::default(), listener)
    }

    /// The next event of type `E`, in two steps: after the first the subscription is in place,
    /// so what is emitted before the second is not missed.
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
        // Room for the one, which nothing that comes later may push out.
        let options = SubscribeOptions::new().capacity(1).overflow(Overflow::DropNewest);
        async move { Ok(Next::new(self.stream_with(options).await?)) }
    }

    /// The events of type `E` as a stream, gaps included.
    fn stream<E: Event>(
        &self,
    ) -> impl Future<Output = Result<EventStream<E>, SubscribeError>> + Send {
        self.stream_with(SubscribeOptions::default())
    }

    /// As [`Emitter::stream`], with options.
    fn stream_with<E: Event>(
        &self,
        options: SubscribeOptions,
    ) -> impl Future<Output = Result<EventStream<E>, SubscribeError>> + Send {
        async move { Ok(EventStream::new(Source::open(self, E::filter(), options).await?)) }
    }

    /// Takes a listener off; the same as dropping its handle.
    fn off(&self, handle: ListenerHandle) {
        drop(handle);
    }

    /// How many listeners were registered for exactly this filter.
    fn listener_count(&self, filter: &TopicFilter) -> usize {
        self.listeners().count(filter)
    }

    /// The filters for which there are listeners, sorted.
    fn event_names(&self) -> Vec<TopicFilter> {
        self.listeners().event_names()
    }

    /// What goes wrong with listeners from now on; without a reader it is logged.
    fn errors(&self) -> Errors {
        self.listeners().errors()
    }

    /// Sends a request and waits for its answer, for five seconds at most.
    fn request<Q: Request>(
        &self,
        request: &Q,
    ) -> impl Future<Output = Result<Q::Reply, RequestError>> + Send {
        self.request_with(request, RequestOptions::default())
    }

    /// As [`Emitter::request`], with options.
    fn request_with<Q: Request>(
        &self,
        request: &Q,
        options: RequestOptions,
    ) -> impl Future<Output = Result<Q::Reply, RequestError>> + Send {
        async move {
            let (topic, payload) = (request.topic()?, encode(request)?);
            let answer =
                self.request_raw(&topic, payload, options.headers, options.timeout).await?;
            read_reply::<Q>(&answer)
        }
    }

    /// Answers requests of type `Q` with what `handler` returns.
    ///
    /// The handler may run several times at once, see [`ServeOptions::concurrency`]. If it
    /// fails, panics, or the request does not decode, the requester gets
    /// [`RequestError::Failed`], and [`Emitter::errors`] says more.
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
    /// let parser = hub.serve(ServeOptions::new(), handler).await?;
    /// assert_eq!(hub.request(&Parse("7".into())).await?, 7);
    /// let error = hub.request(&Parse("x".into())).await.unwrap_err();
    /// assert_eq!(error.to_string(), "the request failed: invalid digit found in string");
    /// # parser.stop().await;
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
            ..SubscribeOptions::default()
        };
        let hub = self.clone();
        start(self, Q::filter(), subscribe, move |source| {
            answer_all(hub, source, options.concurrency, handler)
        })
    }
}

/// Calls a listener to typed events with what decodes.
async fn typed<E, F, R, M>(source: Source, limit: Option<u64>, mut listener: F)
where
    E: Event,
    F: FnMut(Received<E>) -> R + Send,
    R: Reaction<M>,
{
    let call = |message| match Received::decode(message) {
        Ok(received) => {
            let reaction = listener(received);
            Either::Left(async { reaction.react().await.map_err(ListenerFault::failed) })
        }
        Err(error) => Either::Right(ready(Err(ListenerFault::undecodable::<E>(error)))),
    };
    one_by_one(source, limit, call).await;
}
