//! Defines the messages that a session handles. Other modules send them through
//! [`SessionHandle`](crate::directory::session_handle::SessionHandle), so that they need not know
//! the session.

use crate::directory::session_handle::{SharedPermit, ShedLoad};
use actix::Message;
use std::collections::HashMap;

/// Asks how many events wait for the client. The answer contains the number for each epoch, and so
/// for each topic, because no two topics of a hub have the same epoch.
#[derive(Message)]
#[rtype(result = "HashMap<u64, u64>")]
pub(super) struct CountPending;

/// Tells the session to read nothing more. The session answers when it has published the events
/// that it took in, as far as that is possible without waiting for room in a queue.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct StopReading;

/// Tells the session to close: CLOSE follows the frames that are queued, and then FIN follows.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct BeginClose;

/// Tells the session that a changed access file is in force.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct AccessChanged;

/// Tells the session that changed client CAs or revocation lists are in force.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct TrustChanged;

/// Tells the session that a newer connection of its instance is here. The session begins to close
/// at once, and answers when the count of the events that it received is final. The newer connection
/// has this permit, and takes the places of this connection in the limits.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Replaced(pub SharedPermit);

impl Message for ShedLoad {
    type Result = ();
}
