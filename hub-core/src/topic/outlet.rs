use super::DeliveryQueue;
use std::fmt::Debug;

/// A connection, as topics see it: a queue, and a way to have it sent.
pub trait Outlet: Send + Sync + Debug {
    /// A number that no other connection of this hub ever has.
    fn connection(&self) -> u64;

    /// Where to put what is to be sent.
    fn queue(&self) -> &DeliveryQueue;

    /// Sends what the socket takes, without waiting.
    fn flush(&self);

    /// Ends the connection, because its queue is full and its policy is `disconnect`.
    fn overflowed(&self);
}
