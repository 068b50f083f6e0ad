//! Describes an event as a subscriber receives it, undecoded or decoded, and the gap that stands
//! for missing events.
//!
//! A gap is a delivery just as an event is. Otherwise a subscriber could overlook that it misses
//! events.
//!
//! A message that has to be acknowledged also carries the handle through which its listener reports,
//! so the report is defined here. A failed message is a part of its report.

use super::{DecodeError, Event, Headers, decode};
use bytes::Bytes;
use hub_wire::{Gap, GapReason, SubscriptionIds, TopicName};
use serde::de::DeserializeOwned;
use std::fmt;
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
    /// The event is given for the time with this number. It is 1 for most events; a larger number
    /// states that a listener has failed on the event before, or went away with it.
    pub attempt: u32,
    /// The listener that works on the message has this handle, if it has to acknowledge.
    pub(super) work: Option<WorkHandle>,
}

impl Message {
    /// Makes a message on a topic. Its other fields have the values of the first event that a hub
    /// sends: number 1 in epoch 1, at the time 0, without a publisher and without headers.
    #[must_use]
    pub fn new(topic: TopicName, payload: Bytes) -> Self {
        Message {
            topic,
            epoch: 1,
            seq: 1,
            publisher: "".into(),
            time_ms: 0,
            headers: Headers::new(),
            payload,
            attempt: 1,
            work: None,
        }
    }

    /// Decodes the payload.
    ///
    /// # Errors
    /// Returns an error if the payload is not a `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        decode(&self.payload)
    }

    /// Tells the hub that the listener is still working on this message, so that its time begins
    /// anew. The call has no effect on a subscription that does not
    /// [acknowledge](super::SubscribeOptions::acknowledge).
    pub fn still_working(&self) {
        if let Some(work) = &self.work {
            (work.on_settled)(work.event, Settlement::Working);
        }
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
            subscriptions: SubscriptionIds::NONE,
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

/// Says what a subscriber has done with an event that it has to acknowledge.
#[derive(Debug, Clone)]
pub enum Settlement {
    /// The subscriber has finished the event.
    Done,
    /// The subscriber has failed on this event, for this reason.
    Failed(Box<Message>, String),
    /// The subscriber is still at work.
    Working,
}

/// This function gets what the subscriber says of an event. The events are numbered from 0 on, in the
/// order in which they were pushed.
pub(super) type OnSettled = Arc<dyn Fn(u64, Settlement) + Send + Sync>;

/// Lets a message speak for the listener that works on it.
#[derive(Clone)]
pub(super) struct WorkHandle {
    pub(super) event: u64,
    pub(super) on_settled: OnSettled,
}

impl PartialEq for WorkHandle {
    /// A handle is no part of what a message says.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for WorkHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkHandle").field("event", &self.event).finish_non_exhaustive()
    }
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
