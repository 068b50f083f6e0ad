//! Sends the events of a connection to their readers. Without this module, a reader that opens a stream
//! late would not learn whether there is a connection, and a slow reader would hold the others up.

use crate::event_log::EventLog;
use crate::events::ConnectionEvent;
use futures_util::stream::{self, Stream};
use tokio::sync::broadcast;

/// Sends the events of a connection, and keeps the event that a new reader gets first.
#[derive(Debug)]
pub(crate) struct EventSender {
    sender: broadcast::Sender<ConnectionEvent>,
    /// This is the latest event that describes the state of the connection. Events are sent under
    /// the lock of this field, so a new reader neither misses nor repeats an event.
    state: parking_lot::Mutex<Option<ConnectionEvent>>,
    log: EventLog,
}

impl EventSender {
    pub(crate) fn new(kept: usize) -> Self {
        let (sender, _) = broadcast::channel(kept.clamp(1, 1 << 20));
        EventSender { sender, state: parking_lot::Mutex::new(None), log: EventLog::default() }
    }

    /// Sends an event to every reader.
    pub(crate) fn send(&self, event: ConnectionEvent) {
        use ConnectionEvent::{Closed, Connected, Lost, Reconnecting};
        self.log.write(&event);
        let mut state = self.state.lock();
        if matches!(event, Connected { .. } | Lost { .. } | Reconnecting { .. } | Closed { .. }) {
            *state = Some(event.clone());
        }
        // It is no error if there is no reader.
        let _ = self.sender.send(event);
    }

    /// Returns whether there is a connection.
    pub(crate) fn is_connected(&self) -> bool {
        matches!(*self.state.lock(), Some(ConnectionEvent::Connected { .. }))
    }

    /// Opens one more stream of events.
    pub(crate) fn subscribe(&self) -> ConnectionEvents {
        let state = self.state.lock();
        ConnectionEvents { first: state.clone(), receiver: Some(self.sender.subscribe()) }
    }
}

/// Yields the connection's events. The first event states the present state of the connection.
///
/// The stream ends after [`ConnectionEvent::Closed`]. A reader that is too slow learns how many
/// events it missed, and never slows the connection down. The stream does not keep the client open.
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
    /// Waits for the next event. Returns `None` after the client has ended.
    ///
    /// The call is cancel-safe: a dropped call takes no event.
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

    /// Turns this value into a `Stream` of the events.
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
