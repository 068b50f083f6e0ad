//! A session, as the rest of the hub sees it: what it can be told, and what it can be asked. Sessions
//! know the directory, and the directory knows them through this trait alone; if it knew their type,
//! the two would import one another, and with them almost every module of the hub.

use futures_util::future::BoxFuture;
use std::collections::HashMap;
use std::fmt::Debug;

/// The hub is short of memory: no more than this is to wait for a client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ShedLoad {
    /// Bytes that may wait in the queue of a connection.
    pub queue: usize,
    /// Bytes of a frame that has not come in full, if connections with more are to end.
    pub carry: Option<usize>,
    /// Bytes of answers that their client does not read, if connections with more are to end.
    pub answers: Option<usize>,
}

/// Sends messages to one session. A session that has ended takes none.
pub(crate) trait SessionHandle: Debug + Send + Sync {
    /// Another access file is in force.
    fn access_changed(&self);

    /// Other client CAs or revocation lists are in force.
    fn trust_changed(&self);

    /// The hub is short of memory. A session whose mailbox is full is told at the next look.
    fn shed_load(&self, load: ShedLoad);

    /// How many events wait for its client, by epoch: no two topics of a hub have the same. Empty if
    /// the session has ended.
    fn count_pending(&self) -> BoxFuture<'static, HashMap<u64, u64>>;

    /// Has the session read nothing more. Resolves when all that it took is published.
    fn stop_reading(&self) -> BoxFuture<'static, ()>;

    /// Has the session send CLOSE behind what is queued, then FIN.
    fn begin_close(&self);

    /// A newer connection of the same client is here. Resolves when the session has left to it what it
    /// knows; false if the session had ended before it could.
    fn replace(&self) -> BoxFuture<'static, bool>;
}
