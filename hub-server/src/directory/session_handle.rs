//! Defines how the other modules reach a session. Sessions know the directory, and the directory knows
//! them only through this trait. If the directory knew their type, the two modules would import one
//! another, and with them almost every module of the hub.

use crate::limits::admission::ConnectionPermit;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;

/// Holds the permit of a connection. Its session has it, and lends it to the older connection of the
/// same instance.
pub(crate) type SharedPermit = Arc<Mutex<ConnectionPermit>>;

/// Holds the bounds of what may wait for one client while the hub is short of memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ShedLoad {
    /// A client that has not come down to its share in time is ended if it holds more than this many bytes.
    /// With `None`, nobody is ended.
    pub end: Option<usize>,
    /// A session whose client is refused may hold this many bytes of an incomplete frame. With `None`, load
    /// shedding sets no bound.
    pub carry: Option<usize>,
    /// A client that is refused may leave this many bytes of answers unread. With `None`, load shedding
    /// sets no bound.
    pub answers: Option<usize>,
}

/// Sends messages to one session. A session that has ended ignores the messages.
pub(crate) trait SessionHandle: Debug + Send + Sync {
    /// Tells the session that a changed access file is in force.
    fn access_changed(&self);

    /// Tells the session that changed client CAs or revocation lists are in force.
    fn trust_changed(&self);

    /// Tells the session that the hub is short of memory. A session with a full mailbox misses the
    /// message, and gets the next one with the next sample.
    fn shed_load(&self, load: ShedLoad);

    /// Returns how many events wait for the client of the session, by epoch. No two topics of a hub
    /// have the same epoch. The result is empty if the session has ended.
    fn count_pending(&self) -> BoxFuture<'static, HashMap<u64, u64>>;

    /// Makes the session read nothing more. The future resolves when everything that the session
    /// took in is published.
    fn stop_reading(&self) -> BoxFuture<'static, ()>;

    /// Makes the session send CLOSE after everything that is queued, and then FIN.
    fn begin_close(&self);

    /// Tells the session that a newer connection of its instance is here. The newer connection, whose
    /// permit this is, takes the places of this connection in the limits. The future resolves to
    /// true when the session has handed its state on, and to false if the session had ended before.
    fn replace(&self, newer: SharedPermit) -> BoxFuture<'static, bool>;
}
