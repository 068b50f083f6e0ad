//! Defines what can go wrong with a listener, and how an error names the listener and its event.
//! Without these types, a program that reads errors would see texts alone, and could not tell a
//! listener that fails from one that misses events.

use super::{BoxError, DecodeError, EmitError, Event, Message, SubscriptionEnd};
use crate::with_causes;
use hub_wire::{Gap, TopicFilter, TopicName};
use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// A reason has at most this many bytes.
const LONGEST_REASON: usize = 512;

/// Describes an error of a listener, with the filter and the event that the error belongs to.
#[derive(Debug, Clone, Error)]
#[error("{}{filter}", EventRef::prefix(.event.as_ref()))]
pub struct ListenerError {
    /// The listener is registered for this filter.
    pub filter: TopicFilter,
    /// The error is about this event, if it is about a single event.
    pub event: Option<EventRef>,
    /// The fault states what went wrong.
    #[source]
    pub fault: ListenerFault,
}

/// Names the event that an error is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRef {
    /// The event is on this topic.
    pub topic: TopicName,
    /// The event has this event number. Event numbers begin at 1 in each topic.
    pub seq: u64,
}

/// States what went wrong with a listener.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum ListenerFault {
    /// The listener returned an error.
    #[error("the listener failed")]
    Failed(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// The listener panicked. It goes on with the next event.
    #[error("the listener panicked: {0}")]
    Panicked(String),
    /// The payload of the event is not of the type that the listener takes.
    #[error("the event is no {expected}")]
    Undecodable {
        /// The listener takes the event type with this [`TYPE`](super::Event::TYPE).
        expected: &'static str,
        /// The payload does not decode for this reason.
        source: DecodeError,
    },
    /// The listener misses events.
    #[error("events of {} are missing from number {}: {}", .0.topic, .0.from, .0.reason)]
    Missed(Gap),
    /// The subscription ended although the listener did not end it. The listener gets no more
    /// events.
    #[error("the subscription ended")]
    Ended(#[source] SubscriptionEnd),
    /// The reply to a request could not be sent.
    #[error("the answer could not be sent")]
    ReplyFailed(#[source] EmitError),
    /// Unusually many listeners are registered for one filter. The usual reason is a program that
    /// registers one listener again and again and never takes it off.
    #[error("one filter has {count} listeners, more than {max}")]
    TooManyListeners {
        /// This many listeners are registered.
        count: usize,
        /// At most this many listeners are expected.
        max: usize,
    },
}

impl ListenerFault {
    /// Makes the fault for an event that is not an `E`.
    pub(super) fn undecodable<E: Event>(source: DecodeError) -> Self {
        ListenerFault::Undecodable { expected: E::TYPE, source }
    }

    /// Makes the fault for a listener that returned an error.
    pub(super) fn failed(error: BoxError) -> Self {
        ListenerFault::Failed(error.into())
    }

    /// Returns the fault with its causes, in one line. A dead letter has it as its reason.
    pub(super) fn reason(&self) -> String {
        let mut reason = with_causes(self);
        reason.truncate(reason.floor_char_boundary(LONGEST_REASON));
        reason
    }

    /// Makes a fault from the payload of a panic.
    pub(super) fn panicked(payload: &(dyn std::any::Any + Send)) -> Self {
        let text = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned());
        ListenerFault::Panicked(text.unwrap_or_else(|| "no message".to_owned()))
    }
}

impl EventRef {
    /// Names the event of a message.
    pub(super) fn of(message: &Message) -> Self {
        EventRef { topic: message.topic.clone(), seq: message.seq }
    }

    /// Returns the words that stand in front of the filter in a [`ListenerError`].
    fn prefix(event: Option<&EventRef>) -> impl fmt::Display {
        match event {
            Some(EventRef { topic, seq }) => format!("event {seq} of {topic} at a listener to "),
            None => "listener to ".to_owned(),
        }
    }
}
