//! Holds the work that a session has left for its next turn. Without this list, the rest of a frame
//! would be forgotten when the turn of its session is over.

use hub_core::topic::SubscriptionEntry;
use hub_wire::{Ack, CloseCode, Taken, TopicName};
use std::collections::VecDeque;
use std::sync::Arc;

/// Holds what a session has to do before it takes in anything more.
#[derive(Debug, Default)]
pub(super) struct LeftForNextTurn {
    /// The flag is true if the present turn is over.
    pub(super) gives_turn: bool,
    pub(super) work: Vec<Unfinished>,
    /// The connection is to be closed for this reason when all events are published.
    pub(super) close: Option<(CloseCode, String)>,
}

/// Holds the work of one frame that goes on in the next turn.
#[derive(Debug)]
pub(super) enum Unfinished {
    /// The rest of an ACK is not settled yet.
    Ack(PartialAck),
    /// In the queue groups of these topics, events may wait for the subscription.
    Feed(Arc<SubscriptionEntry>, VecDeque<TopicName>),
    /// The client has finished so many events, and not all of them are counted off yet.
    Taken(Taken),
}

/// Holds an ACK that is settled up to a certain delivery.
#[derive(Debug)]
pub(super) struct PartialAck {
    pub(super) ack: Ack,
    /// The delivery with this number is the first that is not settled yet.
    pub(super) next: u64,
    /// The client did not hold this many of the deliveries before it.
    pub(super) not_held: u64,
}
