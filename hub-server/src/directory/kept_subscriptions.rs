//! Defines what the directory knows of subscriptions that outlive their connection. Sessions know the
//! directory, and the directory knows their outputs only through this trait. Otherwise the two modules
//! would import one another.

use std::any::Any;
use std::fmt::Debug;

/// Holds the subscriptions of an instance that has no connection. They stay in their topics. When the
/// value is dropped, they leave.
pub(crate) trait KeptSubscriptions: Any + Debug + Send + Sync {
    /// Returns for how many bytes the events count that wait or are not finished.
    fn bytes(&self) -> usize;

    /// Returns for how many bytes the subscriptions count without their events, which are held bytes
    /// already.
    fn reserved(&self) -> usize;

    /// Returns whether the client cannot resume the subscriptions any more, because one of them has
    /// the policy `disconnect` and had no room.
    fn has_ended(&self) -> bool;

    /// Drops events whose policy allows it, until what waits for each subscription is within the bound that
    /// is in force.
    fn shed(&self);

    /// Calls `visit` with the epoch and the number of the events that wait or are not finished.
    fn for_each_pending(&self, visit: &mut dyn FnMut(u64, u64));
}
