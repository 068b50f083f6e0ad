//! One small error an operation. Each says whether trying again can help.

use super::{DecodeError, EncodeError, Refusal, SubscriptionEnd};
use hub_wire::{Gap, NameError};
use thiserror::Error;

/// What listeners and handlers may fail with.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why an event was not emitted, or may not have been.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum EmitError {
    /// The event has no MessagePack form.
    #[error("the event cannot be encoded")]
    Encode(#[from] EncodeError),
    /// A field that stands in the topic does not print as a token.
    #[error("the event's topic is not a name")]
    Topic(#[from] NameError),
    /// Its frame is larger than the hub takes. It was not sent.
    #[error("the event takes {size} bytes, at most {limit} are allowed")]
    TooLarge {
        /// The size of its frame.
        size: usize,
        /// The largest the hub takes.
        limit: u32,
    },
    /// The hub did not take it.
    #[error("the hub refused the event")]
    Refused(#[source] Refusal),
    /// The connection was lost before the hub said whether it has the event; it may have it.
    #[error("the connection was lost before the event was acknowledged")]
    OutcomeUnknown,
    /// The hub did not take it within the time allowed; it may still do so.
    #[error("the event was not acknowledged in time")]
    TimedOut,
    /// The emitter was closed. The event was not emitted.
    #[error("the emitter is closed")]
    Closed,
}

impl EmitError {
    /// Whether emitting the same event again can succeed. After [`EmitError::OutcomeUnknown`]
    /// and [`EmitError::TimedOut`] it can also emit it twice.
    #[must_use]
    pub fn can_retry(&self) -> bool {
        match self {
            EmitError::OutcomeUnknown | EmitError::TimedOut => true,
            EmitError::Refused(refusal) => refusal.is_passing(),
            EmitError::Encode(_)
            | EmitError::Topic(_)
            | EmitError::TooLarge { .. }
            | EmitError::Closed => false,
        }
    }
}

/// Why there is no subscription.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// The hub did not take it.
    #[error("the hub refused the subscription")]
    Refused(#[source] Refusal),
    /// The connection was lost before the hub answered.
    #[error("the connection was lost before the subscription was in place")]
    Disconnected,
    /// The hub did not answer within the time allowed.
    #[error("the subscription was not in place in time")]
    TimedOut,
    /// The emitter was closed.
    #[error("the emitter is closed")]
    Closed,
}

impl SubscribeError {
    /// Whether subscribing again can succeed.
    #[must_use]
    pub fn can_retry(&self) -> bool {
        match self {
            SubscribeError::Disconnected | SubscribeError::TimedOut => true,
            SubscribeError::Refused(refusal) => refusal.is_passing(),
            SubscribeError::Closed => false,
        }
    }
}

/// Why a request has no answer.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The request has no MessagePack form.
    #[error("the request cannot be encoded")]
    Encode(#[from] EncodeError),
    /// A field that stands in the topic does not print as a token.
    #[error("the request's topic is not a name")]
    Topic(#[from] NameError),
    /// Its frame is larger than the hub takes. It was not sent.
    #[error("the request takes {size} bytes, at most {limit} are allowed")]
    TooLarge {
        /// The size of its frame.
        size: usize,
        /// The largest the hub takes.
        limit: u32,
    },
    /// Nobody is there to answer; said at once, not after the time-out.
    #[error("nobody is there to answer")]
    NoSubscriber,
    /// No answer came in time. The request may have been carried out.
    #[error("no answer came in time")]
    TimedOut,
    /// The hub did not take the request.
    #[error("the hub refused the request")]
    Refused(#[source] Refusal),
    /// The one who was to answer failed, and said so.
    #[error("the request failed: {message}")]
    Failed {
        /// What the other side says.
        message: String,
    },
    /// An answer of another shape.
    #[error("the answer does not decode")]
    Undecodable(#[source] DecodeError),
    /// The connection was lost before the answer came. The request may have been carried out.
    #[error("the connection was lost before the answer came")]
    OutcomeUnknown,
    /// The emitter was closed.
    #[error("the emitter is closed")]
    Closed,
}

impl RequestError {
    /// Whether the same request can succeed later. After [`RequestError::TimedOut`] and
    /// [`RequestError::OutcomeUnknown`] it can also be carried out twice.
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
            | RequestError::Closed => false,
        }
    }
}

/// What a typed stream or `once` can yield in place of an event.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum ReceiveError {
    /// An event that is not of the expected type; the next may be.
    #[error("the event is no {expected}")]
    Undecodable {
        /// The type's [`TYPE`](super::Event::TYPE).
        expected: &'static str,
        /// What is wrong.
        source: DecodeError,
    },
    /// Events that this subscription misses; it goes on after them.
    #[error("events of {} are missing from number {}: {}", .0.topic, .0.from, .0.reason)]
    Missed(Gap),
    /// Nothing more will come.
    #[error("the subscription has ended")]
    Ended(#[source] SubscriptionEnd),
}

impl ReceiveError {
    /// Whether more can come from the same subscription.
    #[must_use]
    pub fn can_retry(&self) -> bool {
        !matches!(self, ReceiveError::Ended(_))
    }
}
