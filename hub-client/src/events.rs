//! Defines the events of a connection, such as its loss, gaps and refusals. Without these events, a
//! service could not notice what happens between two calls.

use hub_wire::{Close, CloseCode, Gap, Refused};
use std::time::Duration;

/// States what happened to the connection.
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
    /// The client is connected. While there is a connection, this is the first event of every
    /// stream.
    Connected {
        /// If this is true, publishing continues exactly where it stopped. It is false on the first
        /// connection, and if the hub restarted or forgot this client.
        resumed: bool,
        /// This run of the hub has this id.
        hub: [u8; 16],
        /// The hub puts this publisher stamp on the events of this client.
        publisher: String,
    },
    /// The connection ended, and this client did not close it.
    Lost {
        /// The connection was lost for this reason.
        reason: LostReason,
    },
    /// The client waits before it tries to connect again.
    Reconnecting {
        /// The attempt has this number. The first attempt after the connection was lost has the
        /// number 1.
        attempt: u32,
        /// The client waits this long before the attempt.
        delay: Duration,
    },
    /// The hub announced that a subscription misses events.
    Gap(Gap),
    /// The queue of a subscription became full, and its overflow policy applies now.
    Slow {
        /// The subscription has this filter.
        filter: String,
    },
    /// A member of a queue group unsubscribed while events waited for it. The other members do not
    /// get these events. [`drain`](crate::Client::drain) lets listeners handle them first.
    LeftUnhandled {
        /// The subscription has this filter.
        filter: String,
        /// This many events waited.
        events: u64,
    },
    /// The hub is stopping, or asks this client to connect again later.
    Draining(Close),
    /// The hub refused an event that nobody waited for: it was sent with `publish`, or its `emit`
    /// was dropped.
    Refused(Refused),
    /// The hub refused to restore a subscription after a reconnect. The subscription has ended.
    SubscriptionLost {
        /// The subscription has this filter.
        filter: String,
        /// The hub sent this refusal.
        refused: Refused,
    },
    /// The hub restarted or forgot this client before it confirmed events. They were not sent
    /// again, see [`OnRestart`](crate::OnRestart).
    OutcomeUnknown {
        /// This many events have an unknown outcome.
        events: u64,
    },
    /// The hub broke the protocol. The client went on as well as possible.
    Violation(String),
    /// The client has ended and does not connect again.
    Closed {
        /// The client ended for this reason.
        reason: String,
    },
    /// This reader was too slow, and events were dropped for it.
    Missed {
        /// This many events were dropped.
        events: u64,
    },
}

/// States why a connection was lost.
///
/// ```
/// use hub_client::LostReason;
/// assert_eq!(LostReason::Ended.to_string(), "the hub ended the connection without CLOSE");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LostReason {
    /// The socket failed.
    #[error("{0}")]
    Io(String),
    /// The connection ended without CLOSE.
    #[error("the hub ended the connection without CLOSE")]
    Ended,
    /// The client received nothing for twice the keep-alive time.
    #[error("the hub was silent for {} ms", .0.as_millis())]
    Silent(Duration),
    /// The hub sent CLOSE.
    #[error("the hub closed the connection: {} ({})", .0.code, .0.reason)]
    Closed(Close),
    /// The hub sent something that the protocol does not allow.
    #[error("the hub broke the protocol: {0}")]
    Protocol(String),
}

impl LostReason {
    /// Returns whether the hub ended the connection because of its credentials.
    pub(crate) fn is_of_credentials(&self) -> bool {
        matches!(self, LostReason::Closed(close) if close.code == CloseCode::Unauthorized)
    }
}
