//! Describes an event as a subscriber receives it, undecoded or decoded, and the gap that stands
//! for missing events.
//!
//! A gap is a delivery just as an event is. Otherwise a subscriber could overlook that it misses
//! events.

use super::{DecodeError, Event, Headers, decode};
use bytes::Bytes;
use hub_wire::{Gap, GapReason, TopicName};
use serde::de::DeserializeOwned;
use std::ops::Deref;
use std::sync::Arc;

/// Holds an event as it was received, with its payload undecoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The event was published on this topic.
    pub topic: TopicName,
    /// The event number belongs to this epoch of the topic. Event numbers are comparable only
    /// within one epoch.
    pub epoch: u64,
    /// The event has this number in its topic. The numbers begin at 1.
    pub seq: u64,
    /// The publisher stamp names the publisher, as the hub states it.
    pub publisher: Arc<str>,
    /// The hub accepted the event at this time, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// The event has these headers.
    pub headers: Headers,
    /// The payload of the event is one MessagePack value.
    pub payload: Bytes,
}

impl Message {
    /// Decodes the payload.
    ///
    /// # Errors
    /// Returns an error if the payload is not a `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        decode(&self.payload)
    }

    /// Returns the gap that takes the place of this message when it is dropped.
    #[must_use]
    pub fn gap(&self, reason: GapReason) -> Gap {
        Gap {
            topic: self.topic.as_str().to_owned(),
            epoch: self.epoch,
            from: self.seq,
            to: Some(self.seq),
            reason,
            subscription: None,
        }
    }
}

/// Holds what a subscription yields: an event, or a gap in the place of missing events.
#[derive(Debug, Clone, PartialEq)]
pub enum Delivery {
    /// The subscription yields this event.
    Message(Message),
    /// Events are missing at this place in the order of their topic.
    Gap(Gap),
}

/// Holds a typed event together with the message that carried it.
///
/// A `Received` dereferences to the event, so the fields of the event can be used directly.
///
/// ```
/// # use hub_core::{Event, emitter::Received};
/// # #[derive(serde::Serialize, serde::Deserialize, Event)]
/// # #[event(topic = "orders.placed")]
/// # struct OrderPlaced { number: u64 }
/// fn note(order: &Received<OrderPlaced>) -> String {
///     format!("order {} is event {} of {}", order.number, order.message.seq, order.message.topic)
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Received<E> {
    /// The payload decoded into this event.
    pub event: E,
    /// This message carried the event. It has the topic, number, publisher, time and headers of the
    /// event.
    pub message: Message,
}

impl<E: Event> Received<E> {
    /// Decodes the payload of a message.
    ///
    /// # Errors
    /// Returns an error if the payload is not an `E`.
    pub fn decode(message: Message) -> Result<Self, DecodeError> {
        Ok(Received { event: message.decode()?, message })
    }
}

impl<E> Deref for Received<E> {
    type Target = E;

    fn deref(&self) -> &E {
        &self.event
    }
}
