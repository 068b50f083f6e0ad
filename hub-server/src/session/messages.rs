//! The messages that a session handles. Other modules send them through
//! [`SessionHandle`](crate::directory::session_handle::SessionHandle), so that they need not know the
//! session.

use crate::directory::session_handle::ShedLoad;
use actix::Message;
use std::collections::HashMap;

/// Asks how many events wait for the client. The answer has the number of each epoch; no two topics
/// of a hub have the same epoch.
#[derive(Message)]
#[rtype(result = "HashMap<u64, u64>")]
pub(super) struct CountPending;

/// Tells the session to read nothing more. It answers when everything that it took in is published.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct StopReading;

/// Tells the session to close: CLOSE follows what is queued, then FIN.
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

/// Tells the session that a newer connection of its instance is here. The session ends at once, and
/// answers when the count of the events that it received is final.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Replaced;

impl Message for ShedLoad {
    type Result = ();
}
