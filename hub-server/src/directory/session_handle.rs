//! How the other modules reach a session. Sessions know the directory, and the directory knows them only
//! through this trait. If it knew their type, the two would import one another, and with them almost every
//! module of the hub.

use futures_util::future::BoxFuture;
use std::collections::HashMap;
use std::fmt::Debug;

/// The bounds of what may wait for one client while the hub is short of memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ShedLoad {
    /// How many bytes may wait in the queue of a connection.
    pub queue: usize,
    /// How many bytes of an incomplete frame a session may hold. With `None`, sessions may hold
    /// more.
    pub carry: Option<usize>,
    /// How many bytes of answers a client may leave unread. With `None`, clients may leave more.
    pub answers: Option<usize>,
}

/// Sends messages to one session. A session that has ended ignores them.
pub(crate) trait SessionHandle: Debug + Send + Sync {
    /// Tells the session that a changed access file is in force.
    fn access_changed(&self);

    /// Tells the session that changed client CAs or revocation lists are in force.
    fn trust_changed(&self);

    /// Tells the session that the hub is short of memory. A session with a full mailbox is told
    /// with the next sample.
    fn shed_load(&self, load: ShedLoad);

    /// How many events wait for the client of the session, by epoch. No two topics of a hub have
    /// the same epoch. The result is empty if the session has ended.
    fn count_pending(&self) -> BoxFuture<'static, HashMap<u64, u64>>;

    /// Has the session read nothing more. Resolves when everything that it took in is published.
    fn stop_reading(&self) -> BoxFuture<'static, ()>;

    /// Has the session send CLOSE after what is queued, and then FIN.
    fn begin_close(&self);

    /// Tells the session that a newer connection of its instance is here. Resolves when the session
    /// has handed its state on; false if the session had ended before.
    fn replace(&self) -> BoxFuture<'static, bool>;
}
