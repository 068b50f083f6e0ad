//! Describes an event on its way into an in-process hub. Without a type for it, each check and each
//! step of publishing would take the parts of the event one by one.

use crate::emitter::{Headers, Message};
use bytes::Bytes;
use hub_wire::TopicName;
use std::sync::Arc;

/// Describes an event that is to be published.
pub(super) struct NewEvent<'a> {
    pub(super) topic: &'a TopicName,
    pub(super) payload: Bytes,
    pub(super) headers: &'a Headers,
    pub(super) publisher: &'a Arc<str>,
}

impl NewEvent<'_> {
    /// Makes the message that subscribers get.
    pub(super) fn message(&self, epoch: u64, seq: u64, time_ms: u64) -> Message {
        Message {
            topic: self.topic.clone(),
            epoch,
            seq,
            publisher: self.publisher.clone(),
            time_ms,
            headers: self.headers.clone(),
            payload: self.payload.clone(),
            attempt: 1,
            work: None,
        }
    }
}
