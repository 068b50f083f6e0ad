//! Defines the interface through which topics use the connection of a subscriber.
//!
//! Topics know no sockets. Without this trait, tests of topics would need a whole server.

use super::queue::DeliveryQueue;
use std::fmt::Debug;
use std::sync::Arc;

/// Represents the connection of a subscriber to topics: a delivery queue, and a way to flush it.
pub trait SubscriberConnection: Send + Sync + Debug {
    /// Returns the number of the connection. No other connection of this hub ever has this number.
    fn number(&self) -> u64;

    /// Returns the role of the client, which determines the view of events that the client gets. The
    /// role can change while the connection lasts.
    fn role(&self) -> Arc<str>;

    /// Returns the delivery queue of the connection.
    fn queue(&self) -> &DeliveryQueue;

    /// Writes as much of the delivery queue to the socket as the socket takes, without waiting.
    fn flush(&self);

    /// Ends the connection, because its queue is full and a subscription with the policy `disconnect`
    /// would lose events.
    fn close_slow_consumer(&self);
}
