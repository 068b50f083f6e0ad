//! The client as a service holds it: a handle that can be cloned.
//!
//! It only sends commands to the task that keeps the connection, so it stays usable while there is
//! no connection.

use crate::builder::Builder;
use crate::client_state::ClientState;
use crate::connection::{Command, ConnectError};
use crate::events::ConnectionEvents;
use crate::publish::NotAppended;
use crate::{HubUrl, Options};
use hub_core::emitter::{EmitError, Event, Headers, Listeners, encode};
use hub_wire::{EventFrame, TopicName};
use std::fmt;
use std::sync::Arc;
use tokio::sync::mpsc;

/// A connection to a hub, which comes back by itself.
///
/// A clone is another handle to the same connection. When the last one is dropped, the client
/// sends what is still in its log, says goodbye, and ends, in the background and within
/// [`Options::drain_timeout`]; [`Client::drain`] does it where you can wait for it.
///
/// Listening and emitting are in the [`Emitter`](crate::Emitter) trait. All futures may be
/// dropped at any time:
///
/// | dropped | what is left |
/// |---|---|
/// | `emit`, `emit_raw` | if it waited for room, nothing; after that, the event is emitted all the same, and a refusal goes to the connection events |
/// | `publish` | as `emit` |
/// | `flush` | nothing changes; refusals are kept for the next |
/// | `subscribe`, `on`, … | the subscription ends, if it had begun |
/// | `request` | the request may be carried out; its answer is dropped |
/// | `drain`, `close` | they go on in the background |
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
    /// Runs in the current tokio runtime.
    ///
    /// # Errors
    /// When the first attempt fails; see [`Builder::patience`] for more than one.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), hub_client::ConnectError> {
    /// let hub = hub_client::Client::connect("hub://127.0.0.1").await?;
    /// # Ok(()) }
    /// ```
    pub async fn connect(url: &str) -> Result<Client, ConnectError> {
        Client::builder(url).connect().await
    }

    /// Sets options before connecting.
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

    /// Emits an event without waiting for the hub's receipt: it returns when the event is in the
    /// publish log, so it waits only while that is full. This is the fast way to send many.
    ///
    /// [`Client::flush`] says what became of them. Events emitted either way keep their order.
    ///
    /// Cancel-safe: while it waits for room, nothing is emitted; after that the event is.
    ///
    /// # Errors
    /// When the event cannot be sent at all.
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

    /// As [`Client::publish`], for a payload that is encoded already.
    ///
    /// Cancel-safe as [`Client::publish`].
    ///
    /// # Errors
    /// When the event cannot be sent at all. A payload that is not one MessagePack value is sent,
    /// and refused by the hub.
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
        let (_, full) = self.state.log.append(&event, None).await.map_err(not_appended)?;
        if full {
            // A loop of `publish` would otherwise keep the connection from this thread.
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// How many events have neither been receipted nor refused yet.
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

    /// What happens to the connection, beginning with the state it is in.
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

    /// The hub's address.
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

pub(crate) fn not_appended(error: NotAppended) -> EmitError {
    match error {
        NotAppended::TooLarge { size, limit } => EmitError::TooLarge { size, limit },
        NotAppended::Ended => EmitError::Closed,
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("url", &self.state.url).finish_non_exhaustive()
    }
}
