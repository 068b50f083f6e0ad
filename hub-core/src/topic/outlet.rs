//! A connection as topics see it, and the list of those that are to be flushed.
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

/// The outlets that got something and are to be flushed.
pub type Touched = Vec<ToFlush>;

/// An outlet that got something. It is flushed when this is dropped, at the latest: others have
/// seen that somebody is about to flush it, and leave it alone. So what they appended does not
/// stay behind either when the one who is to flush it panics first.
#[derive(Debug)]
pub struct ToFlush(Arc<dyn Outlet>);

impl ToFlush {
    /// Sends what the socket takes, without waiting.
    pub fn flush(self) {}
}

impl Drop for ToFlush {
    fn drop(&mut self) {
        self.0.flush();
    }
}

/// Notes that an outlet is to be flushed, unless somebody else has.
pub(super) fn touch(outlet: &Arc<dyn Outlet>, touched: &mut Touched) {
    if outlet.queue().touch() {
        touched.push(ToFlush(outlet.clone()));
    }
}
