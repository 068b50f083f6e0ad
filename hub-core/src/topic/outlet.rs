//! A connection as topics see it.
//!
//! Topics know no sockets: without this trait, they could be tested only with a server around
//! them.

use super::queue::DeliveryQueue;
use std::fmt::Debug;
use std::sync::Arc;

/// A connection, as topics see it: a queue, and a way to have it sent.
pub trait Outlet: Send + Sync + Debug {
    /// A number that no other connection of this hub ever has.
    fn connection(&self) -> u64;

    /// The role of its client, which says how events are shown to it. It may change.
    fn role(&self) -> Arc<str>;

    /// Where to put what is to be sent.
    fn queue(&self) -> &DeliveryQueue;

    /// Sends what the socket takes, without waiting.
    fn flush(&self);

    /// Ends the connection, because its queue is full and its policy is `disconnect`.
    fn overflowed(&self);
}
