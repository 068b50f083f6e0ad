//! What happens to the connection, told to whoever wants to know.

use futures_util::stream::{self, Stream};
use hub_wire::{Close, Gap, Refused};
use std::time::Duration;
use tokio::sync::broadcast;

/// What happened to the connection.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use hub_client::{Client, ConnectionEvent};
/// let client = Client::connect("hub://127.0.0.1").await?;
/// let mut events = client.events();
/// while let Some(event) = events.next().await {
///     match event {
///         ConnectionEvent::Lost { reason } => eprintln!("lost: {reason}"),
///         ConnectionEvent::Gap(gap) => eprintln!("missed {gap:?}"),
///         _ => {}
///     }
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ConnectionEvent {
    /// Connected; the first event of every stream while there is a connection.
    Connected {
        /// Whether publishing goes on exactly where it stopped. False on the first connection,
        /// and when the hub restarted or has forgotten this client.
        resumed: bool,
        /// This run of the hub.
        hub: [u8; 16],
        /// What the hub stamps as publisher on this client's events.
        publisher: String,
    },
    /// The connection ended without having been closed from here.
    Lost {
        /// Why.
        reason: LostReason,
    },
    /// Waiting to try again.
    Reconnecting {
        /// 1 for the first attempt since the connection was lost.
        attempt: u32,
        /// How long until the attempt.
        delay: Duration,
    },
    /// The hub said that events of a subscription are missing.
    Gap(Gap),
    /// A subscription's own queue became full; its overflow policy applies from here on.
    Slow {
        /// The subscription's filter.
        filter: String,
    },
    /// A member of a queue group unsubscribed while events waited for it. Its group does not get
    /// them; [`drain`](crate::Client::drain) lets listeners handle them first.
    LeftUnhandled {
        /// The subscription's filter.
        filter: String,
        /// How many.
        events: u64,
    },
    /// The hub is stopping, or asks this client to come back later.
    Draining(Close),
    /// The hub refused an event nobody waited for (pipelined, or its `emit` was cancelled).
    Refused(Refused),
    /// The hub refused to restore a subscription after a reconnect; it has ended.
    SubscriptionLost {
        /// The subscription's filter.
        filter: String,
        /// Why.
        refused: Refused,
    },
    /// The hub restarted or forgot this client before it acknowledged events; they were not
    /// sent again. See [`OnRestart`](crate::OnRestart).
    OutcomeUnknown {
        /// How many.
        events: u64,
    },
    /// The hub broke the protocol; the client went on as well as it could.
    Violation(String),
    /// The connection has ended for good.
    Closed {
        /// Why.
        reason: String,
    },
    /// This reader was too slow: so many events were dropped before the next one.
    Missed {
        /// How many.
        events: u64,
    },
}

/// Why a connection was lost.
///
/// ```
/// use hub_client::LostReason;
/// assert_eq!(LostReason::Ended.to_string(), "the hub ended the connection without a goodbye");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LostReason {
    /// The socket failed.
    #[error("{0}")]
    Io(String),
    /// End of the stream, but no CLOSE.
    #[error("the hub ended the connection without a goodbye")]
    Ended,
    /// Nothing came for twice the keep-alive time.
    #[error("the hub was silent for {} ms", .0.as_millis())]
    Silent(Duration),
    /// The hub said goodbye.
    #[error("the hub closed the connection: {} ({})", .0.code, .0.reason)]
    Closed(Close),
    /// The hub sent something that is not the protocol.
    #[error("the hub broke the protocol: {0}")]
    Protocol(String),
}

/// The sending side, and what a new reader is told first.
#[derive(Debug)]
pub(crate) struct EventSender {
    sender: broadcast::Sender<ConnectionEvent>,
    /// The state as its latest event, kept under the same lock under which events are sent, so
    /// that a new reader neither misses nor repeats one.
    state: parking_lot::Mutex<Option<ConnectionEvent>>,
}

impl EventSender {
    pub(crate) fn new(kept: usize) -> Self {
        let (sender, _) = broadcast::channel(kept.clamp(1, 1 << 20));
        EventSender { sender, state: parking_lot::Mutex::new(None) }
    }

    pub(crate) fn send(&self, event: ConnectionEvent) {
        use ConnectionEvent::{Closed, Connected, Lost, Reconnecting};
        let mut state = self.state.lock();
        if matches!(event, Connected { .. } | Lost { .. } | Reconnecting { .. } | Closed { .. }) {
            *state = Some(event.clone());
        }
        // Nobody may be listening.
        let _ = self.sender.send(event);
    }

    pub(crate) fn subscribe(&self) -> ConnectionEvents {
        let state = self.state.lock();
        ConnectionEvents { first: state.clone(), receiver: Some(self.sender.subscribe()) }
    }
}

/// The connection's events from now on, beginning with the state it is in.
///
/// It ends after [`ConnectionEvent::Closed`]. A reader that is too slow is told how much it
/// missed; it never slows the connection. It does not keep the client open.
///
/// ```no_run
/// # async fn example(client: hub_client::Client) {
/// let mut events = client.events();
/// let state = events.next().await;
/// # }
/// ```
#[derive(Debug)]
pub struct ConnectionEvents {
    first: Option<ConnectionEvent>,
    receiver: Option<broadcast::Receiver<ConnectionEvent>>,
}

impl ConnectionEvents {
    /// The next event; `None` after the connection has ended for good.
    ///
    /// Cancel-safe: a dropped call takes no event.
    ///
    /// ```no_run
    /// # async fn example(mut events: hub_client::ConnectionEvents) {
    /// while let Some(event) = events.next().await {
    ///     println!("{event:?}");
    /// }
    /// # }
    /// ```
    pub async fn next(&mut self) -> Option<ConnectionEvent> {
        let event = match self.first.take() {
            Some(first) => first,
            None => match self.receiver.as_mut()?.recv().await {
                Ok(event) => event,
                Err(broadcast::error::RecvError::Lagged(events)) => {
                    ConnectionEvent::Missed { events }
                }
                Err(broadcast::error::RecvError::Closed) => return None,
            },
        };
        if matches!(event, ConnectionEvent::Closed { .. }) {
            self.receiver = None;
        }
        Some(event)
    }

    /// The same as a `Stream`.
    ///
    /// ```no_run
    /// # async fn example(client: hub_client::Client) {
    /// use futures_util::StreamExt;
    /// let mut losses = Box::pin(client.events().into_stream());
    /// while let Some(event) = losses.next().await {}
    /// # }
    /// ```
    pub fn into_stream(self) -> impl Stream<Item = ConnectionEvent> + Send {
        stream::unfold(self, |mut events| async move {
            events.next().await.map(|event| (event, events))
        })
    }
}
