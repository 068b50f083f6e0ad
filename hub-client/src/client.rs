//! Defines the client as a service holds it: a handle that can be cloned.
//!
//! The handle only sends commands to the task that keeps the connection. So a service can use the
//! handle while there is no connection.

use crate::builder::Builder;
use crate::client_state::ClientState;
use crate::connection::{Command, ConnectError};
use crate::event_sender::ConnectionEvents;
use crate::publish::NotAppended;
use crate::{HubUrl, Options};
use hub_core::emitter::{ClosedReason, EmitError, Event, Headers, Listeners, encode};
use hub_wire::{EventFrame, TopicName};
use std::fmt;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Connects a service to a hub. When its connection is lost, a client connects again.
///
/// A clone is another handle to this client. When the last handle is dropped, the client sends the
/// events that are still in its log, sends CLOSE, and ends. That happens in the background within
/// [`Options::drain_timeout`]. [`Client::drain`] does the same in a call that can be awaited. A
/// listener that owns a clone, and each handler of requests, keeps the client open until it is taken
/// off or the client is drained.
///
/// The trait [`Emitter`](crate::Emitter) has the methods for listening and emitting. Every future
/// may be dropped at any time:
///
/// | dropped call | what is left |
/// |---|---|
/// | `publish` | The event is emitted, unless the call still waited for room in the log. |
/// | `emit`, `emit_raw` | The event is taken back, unless it was already sent. A later refusal becomes a connection event. |
/// | `flush` | Nothing changes. Refusals are kept for the next `flush`. |
/// | `subscribe`, `on`, … | The subscription ends, if it had begun. |
/// | `request` | The request may be carried out. Its reply is dropped. |
/// | `drain`, `close` | The call goes on in the background. |
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use hub_client::{Client, Emitter, Headers, TopicName, encode};
/// let hub = Client::connect("hub://127.0.0.1:4820").await?;
/// hub.emit_raw(&TopicName::parse("orders.placed")?, encode(&7)?, &Headers::new()).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Client {
    pub(crate) state: Arc<ClientState>,
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) listeners: Listeners,
}

impl Client {
    /// Connects to the hub at `url` with the default [`Options`].
    ///
    /// The client runs in the current tokio runtime.
    ///
    /// # Errors
    /// Returns an error if the first attempt fails. [`Builder::patience`] allows more attempts.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), hub_client::ConnectError> {
    /// let hub = hub_client::Client::connect("hub://127.0.0.1").await?;
    /// # Ok(()) }
    /// ```
    pub async fn connect(url: &str) -> Result<Client, ConnectError> {
        Client::builder(url).connect().await
    }

    /// Returns a builder, which sets options and then connects.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), hub_client::ConnectError> {
    /// use std::time::Duration;
    /// let builder = hub_client::Client::builder("hub://127.0.0.1").name("orders");
    /// let hub = builder.patience(Duration::from_secs(30)).connect().await?;
    /// # Ok(()) }
    /// ```
    pub fn builder(url: &str) -> Builder {
        Builder::new(url, Options::default())
    }

    /// Emits an event without waiting for the hub's receipt. The call returns when the event is in
    /// the publish log, and waits only while the log is full. This is the fast way to send many
    /// events.
    ///
    /// [`Client::flush`] reports what became of the events. Events from `publish` and `emit` keep
    /// their common order.
    ///
    /// The call is cancel-safe: a call that is dropped while it waits for room emits nothing, and a
    /// call that is dropped later has emitted the event.
    ///
    /// # Errors
    /// Returns an error if the event cannot be sent at all.
    ///
    /// ```no_run
    /// # use hub_client::Event;
    /// # #[derive(serde::Serialize, serde::Deserialize, Event)]
    /// # #[event(topic = "orders.placed")]
    /// # struct OrderPlaced { number: u64 }
    /// # async fn example(hub: hub_client::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// for number in 0..1_000_000 {
    ///     hub.publish(&OrderPlaced { number }).await?;
    /// }
    /// hub.flush().await?;
    /// # Ok(()) }
    /// ```
    pub async fn publish<E: Event>(&self, event: &E) -> Result<(), EmitError> {
        self.publish_raw(&event.topic()?, &encode(event)?, &Headers::new()).await
    }

    /// Does what [`Client::publish`] does, for a payload that is already encoded.
    ///
    /// The call is cancel-safe as [`Client::publish`] is.
    ///
    /// # Errors
    /// Returns an error if the event cannot be sent at all. A payload that is not exactly one
    /// MessagePack value is sent, and the hub refuses it.
    ///
    /// ```no_run
    /// # async fn example(hub: hub_client::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use hub_client::{Headers, TopicName};
    /// let topic = TopicName::parse("orders.placed")?;
    /// hub.publish_raw(&topic, b"\xa5hello", &Headers::new()).await?;
    /// # Ok(()) }
    /// ```
    pub async fn publish_raw(
        &self,
        topic: &TopicName,
        payload: &[u8],
        headers: &Headers,
    ) -> Result<(), EmitError> {
        let headers = headers.encode();
        let event = EventFrame { topic: topic.as_str(), payload, headers: headers.as_deref() };
        let appended = self.state.log.append(&event, None).await;
        let appended = appended.map_err(|error| not_appended(error, &self.state))?;
        if appended.full {
            // Without this yield, a loop of `publish` would keep the connection's task from running
            // on this thread.
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Returns how many events have neither a receipt nor a refusal yet.
    ///
    /// ```no_run
    /// # fn example(hub: hub_client::Client) {
    /// println!("{} on their way", hub.pending());
    /// # }
    /// ```
    #[must_use]
    pub fn pending(&self) -> u64 {
        self.state.log.pending()
    }

    /// Returns the events of the connection. The first event states the present state of the
    /// connection.
    ///
    /// ```no_run
    /// # async fn example(hub: hub_client::Client) {
    /// use hub_client::ConnectionEvent;
    /// let mut events = hub.events();
    /// if let Some(ConnectionEvent::Connected { publisher, .. }) = events.next().await {
    ///     println!("subscribers see {publisher}");
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn events(&self) -> ConnectionEvents {
        self.state.events.subscribe()
    }

    /// Returns whether there is a connection to the hub now. Calls may be made either way: they wait
    /// for the next connection.
    ///
    /// ```no_run
    /// # fn example(hub: hub_client::Client) {
    /// let status = if hub.is_connected() { "ok" } else { "no hub" };
    /// # }
    /// ```
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.state.events.is_connected()
    }

    /// Returns a future that resolves when the client has ended for good, with the reason. A service
    /// that awaits it finds out that its connection was refused, without reading any events. The
    /// future does not keep the client open.
    ///
    /// ```no_run
    /// # async fn example(hub: hub_client::Client) -> Result<(), hub_client::BoxError> {
    /// tokio::select! {
    ///     reason = hub.closed() => return Err(reason.into()),
    ///     _ = tokio::signal::ctrl_c() => hub.drain().await?,
    /// }
    /// # Ok(()) }
    /// ```
    pub fn closed(&self) -> impl Future<Output = ClosedReason> + Send + 'static {
        let state = self.state.clone();
        async move {
            let mut ended = state.ended.subscribe();
            // The sender lives as long as `state`.
            let _ = ended.wait_for(|ended| *ended).await;
            state.closed.get().cloned().unwrap_or(ClosedReason::ByProgram)
        }
    }

    /// Returns the hub's address.
    ///
    /// ```no_run
    /// # fn example(hub: hub_client::Client) {
    /// println!("connected to {}", hub.url());
    /// # }
    /// ```
    #[must_use]
    pub fn url(&self) -> &HubUrl {
        &self.state.url
    }
}

/// Returns the error of `emit` for an event that did not enter the log.
pub(crate) fn not_appended(error: NotAppended, state: &ClientState) -> EmitError {
    match error {
        NotAppended::TooLarge { size, limit } => EmitError::TooLarge { size, limit },
        NotAppended::Ended => state.emit_error(),
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("url", &self.state.url).finish_non_exhaustive()
    }
}
