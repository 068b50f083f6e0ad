//! The messages that a session takes. Other rooms send them through
//! [`SessionHandle`](crate::directory::session_handle::SessionHandle).

use crate::directory::session_handle::ShedLoad;
use actix::Message;
use std::collections::HashMap;

/// How many events wait for its client, by epoch: no two topics of a hub have the same.
#[derive(Message)]
#[rtype(result = "HashMap<u64, u64>")]
pub(super) struct CountPending;

/// Stops reading; answered when everything taken so far is published.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct StopReading;

/// Says goodbye: CLOSE behind what is queued, then FIN.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct BeginClose;

/// Another access file is in force.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct AccessChanged;

/// Other client CAs or revocation lists are in force.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct TrustChanged;

/// A newer connection of the same instance is here: end at once, and answer when the count of
/// what was received is final.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Replaced;

impl Message for ShedLoad {
    type Result = ();
}
