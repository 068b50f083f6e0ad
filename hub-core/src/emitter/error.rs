//! Defines the errors of emitting, subscribing, requesting and receiving, with one type for each
//! operation. The method `can_retry` of each type states whether another attempt can succeed.
//! Without this method, a service would have to guess from a text.

use super::{ClosedReason, DecodeError, EncodeError, Refusal, SubscriptionEnd};
use hub_wire::{Gap, NameError};
use thiserror::Error;

/// Holds any error that a listener or a handler returns.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// States why an event was not emitted, or why nobody knows whether it was emitted.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum EmitError {
    /// The event cannot be written as MessagePack.
    #[error("the event cannot be encoded")]
    Encode(#[from] EncodeError),
    /// A field that is a placeholder in the topic does not print as one token.
    #[error("the topic of the event is not a valid name")]
    Topic(#[from] NameError),
    /// The frame of the event is larger than the hub allows. The event was not sent.
    #[error("the event takes {size} bytes, but the hub allows at most {limit} (max_frame_bytes)")]
    TooLarge {
        /// The frame has this many bytes.
        size: usize,
        /// The hub allows frames of at most this many bytes.
        limit: u32,
    },
    /// The hub refused the event.
    #[error("the hub refused the event")]
    Refused(#[source] Refusal),
    /// The connection was lost before the hub confirmed the event. The hub may have accepted it.
    #[error("the connection was lost before the event was acknowledged")]
    OutcomeUnknown,
    /// The event was sent, and the hub did not confirm it in time. The hub may still accept it.
    #[error("the event was sent, but not acknowledged in time")]
    TimedOut,
    /// The event could not be sent in time. It was taken back, and nobody will get it.
    #[error("the event could not be sent in time, and was taken back")]
    NotSent,
    /// This program has closed the emitter. The event was not emitted.
    #[error("the emitter is closed")]
    Closed,
    /// The connection has ended for good, although this program did not close it. The event was not
    /// emitted.
    #[error("the connection has ended for good")]
    Ended(#[source] ClosedReason),
}

impl EmitError {
    /// Returns whether another attempt to emit the event can succeed. After
    /// [`EmitError::OutcomeUnknown`] and [`EmitError::TimedOut`], another attempt can publish the
    /// event twice.
    #[must_use]
    pub fn can_retry(&self) -> bool {
        match self {
            EmitError::OutcomeUnknown | EmitError::TimedOut | EmitError::NotSent => true,
            EmitError::Refused(refusal) => refusal.is_passing(),
            EmitError::Encode(_)
            | EmitError::Topic(_)
            | EmitError::TooLarge { .. }
            | EmitError::Closed
            | EmitError::Ended(_) => false,
        }
    }
}

/// States why a subscription was not made.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// The hub refused the subscription.
    #[error("the hub refused the subscription")]
    Refused(#[source] Refusal),
    /// The connection was lost before the hub confirmed the subscription.
    #[error("the connection was lost before the subscription was in place")]
    Disconnected,
    /// The hub did not confirm the subscription in time.
    #[error("the subscription was not in place in time")]
    TimedOut,
    /// This program has closed the emitter.
    #[error("the emitter is closed")]
    Closed,
    /// The connection has ended for good, although this program did not close it.
    #[error("the connection has ended for good")]
    Ended(#[source] ClosedReason),
}

impl SubscribeError {
    /// Returns whether another attempt to subscribe can succeed.
    #[must_use]
    pub fn can_retry(&self) -> bool {
        match self {
            SubscribeError::Disconnected | SubscribeError::TimedOut => true,
            SubscribeError::Refused(refusal) => refusal.is_passing(),
            SubscribeError::Closed | SubscribeError::Ended(_) => false,
        }
    }
}

/// States why a request has no reply.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The request cannot be written as MessagePack.
    #[error("the request cannot be encoded")]
    Encode(#[from] EncodeError),
    /// A field that is a placeholder in the topic does not print as one token.
    #[error("the topic of the request is not a valid name")]
    Topic(#[from] NameError),
    /// The frame of the request is larger than the hub allows. The request was not sent.
    #[error("the request takes {size} bytes, but the hub allows at most {limit} (max_frame_bytes)")]
    TooLarge {
        /// The frame has this many bytes.
        size: usize,
        /// The hub allows frames of at most this many bytes.
        limit: u32,
    },
    /// No subscriber can answer the request. The hub reports this at once, without waiting for the
    /// time-out.
    #[error("nobody is there to answer")]
    NoSubscriber,
    /// No reply came in time. The request may have been carried out.
    #[error("no answer came in time")]
    TimedOut,
    /// The hub refused the request.
    #[error("the hub refused the request")]
    Refused(#[source] Refusal),
    /// The handler failed, and replied with its error message.
    #[error("the request failed: {message}")]
    Failed {
        /// The handler replied with this error message.
        message: String,
    },
    /// The reply does not decode into the expected type.
    #[error("the answer does not decode")]
    Undecodable(#[source] DecodeError),
    /// The connection was lost before the reply came. The request may have been carried out.
    #[error("the connection was lost before the answer came")]
    OutcomeUnknown,
    /// This program has closed the emitter.
    #[error("the emitter is closed")]
    Closed,
    /// The connection has ended for good, although this program did not close it.
    #[error("the connection has ended for good")]
    Ended(#[source] ClosedReason),
}

impl RequestError {
    /// Returns whether another attempt can succeed. After [`RequestError::TimedOut`] and
    /// [`RequestError::OutcomeUnknown`], another attempt can carry the request out twice.
    #[must_use]
    pub fn can_retry(&self) -> bool {
        match self {
            RequestError::NoSubscriber | RequestError::TimedOut | RequestError::OutcomeUnknown => {
                true
            }
            RequestError::Refused(refusal) => refusal.is_passing(),
            RequestError::Encode(_)
            | RequestError::Topic(_)
            | RequestError::TooLarge { .. }
            | RequestError::Failed { .. }
            | RequestError::Undecodable(_)
            | RequestError::Closed
            | RequestError::Ended(_) => false,
        }
    }
}

/// States why a typed stream or [`Emitter::once`](super::Emitter::once) yields no event at this
/// place.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum ReceiveError {
    /// The payload of one event is not of the expected type. The payload of the next event may be.
    #[error("the event is no {expected}")]
    Undecodable {
        /// An event type with this [`TYPE`](super::Event::TYPE) was expected.
        expected: &'static str,
        /// The payload does not decode for this reason.
        source: DecodeError,
    },
    /// The subscription misses these events. It goes on after them.
    #[error("events of {} are missing from number {}: {}", .0.topic, .0.from, .0.reason)]
    Missed(Gap),
    /// The subscription has ended and yields nothing more.
    #[error("the subscription has ended")]
    Ended(#[source] SubscriptionEnd),
}

impl ReceiveError {
    /// Returns whether the subscription can yield more after this error.
    #[must_use]
    pub fn can_retry(&self) -> bool {
        !matches!(self, ReceiveError::Ended(_))
    }
}
