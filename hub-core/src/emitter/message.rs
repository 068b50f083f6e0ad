use super::{DecodeError, Event, Headers, decode};
use bytes::Bytes;
use hub_wire::{Gap, TopicName};
use serde::de::DeserializeOwned;
use std::ops::Deref;
use std::sync::Arc;

/// One event as it came, its payload not decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its topic.
    pub topic: TopicName,
    /// Numbers are comparable within one epoch of a topic.
    pub epoch: u64,
    /// Its number in the topic, from 1.
    pub seq: u64,
    /// Who sent it, as the hub knows it.
    pub publisher: Arc<str>,
    /// When the hub accepted it, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// Its headers.
    pub headers: Headers,
    /// Its payload: one MessagePack value.
    pub payload: Bytes,
}

impl Message {
    /// The payload, decoded.
    ///
    /// # Errors
    /// When it is not a `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        decode(&self.payload)
    }
}

/// What a subscription yields.
#[derive(Debug, Clone, PartialEq)]
pub enum Delivery {
    /// An event.
    Message(Message),
    /// Events that are missing at this place in their topic's order.
    Gap(Gap),
}

/// A typed event together with the message it came in.
///
/// Dereferences to the event, so that its fields are at hand.
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
    /// The event.
    pub event: E,
    /// The message it came in: topic, number, publisher, time, headers.
    pub message: Message,
}

impl<E: Event> Received<E> {
    /// Decodes a message's payload.
    ///
    /// # Errors
    /// When it is not an `E`.
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
