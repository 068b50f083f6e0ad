//! The stream of errors: what a listener did wrong, or could not do, is never swallowed.

use super::{BoxError, DecodeError, EmitError, Event, Message, SubscriptionEnd};
use futures_util::Stream;
use hub_wire::{Gap, TopicFilter, TopicName};
use parking_lot::Mutex;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use thiserror::Error;
use tokio::sync::mpsc;

/// How many errors wait for one reader of them. What does not fit is logged.
const ERRORS_WAITING: usize = 256;

/// Something that went wrong with a listener, and where.
#[derive(Debug, Clone, Error)]
#[error("{}{filter}", Place::said(.place.as_ref()))]
pub struct ListenerError {
    /// The filter the listener is registered for.
    pub filter: TopicFilter,
    /// The event it was about.
    pub place: Option<Place>,
    /// What went wrong.
    #[source]
    pub fault: ListenerFault,
}

/// The event that an error is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its topic.
    pub topic: TopicName,
    /// Its number.
    pub seq: u64,
}

/// What went wrong with a listener.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum ListenerFault {
    /// It returned an error.
    #[error("the listener failed")]
    Failed(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// It panicked. It goes on with the next event.
    #[error("the listener panicked: {0}")]
    Panicked(String),
    /// The event is not of the type the listener takes.
    #[error("the event is no {expected}")]
    Undecodable {
        /// The type's [`TYPE`](super::Event::TYPE).
        expected: &'static str,
        /// What is wrong.
        source: DecodeError,
    },
    /// The listener misses events.
    #[error("events of {} are missing from number {}: {}", .0.topic, .0.from, .0.reason)]
    Missed(Gap),
    /// It will get no more events, though it did not ask for that.
    #[error("the subscription ended")]
    Ended(#[source] SubscriptionEnd),
    /// The answer to a request could not be sent.
    #[error("the answer could not be sent")]
    ReplyFailed(#[source] EmitError),
    /// A warning: listeners pile up on one filter, which is usually a leak.
    #[error("{count} listeners, more than {max}")]
    TooManyListeners {
        /// How many there are.
        count: usize,
        /// How many are expected at most.
        max: usize,
    },
}

impl ListenerFault {
    pub(super) fn undecodable<E: Event>(source: DecodeError) -> Self {
        ListenerFault::Undecodable { expected: E::TYPE, source }
    }

    pub(super) fn failed(error: BoxError) -> Self {
        ListenerFault::Failed(error.into())
    }

    /// From what a panicking task left behind.
    pub(super) fn panicked(payload: &(dyn std::any::Any + Send)) -> Self {
        let text = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned());
        ListenerFault::Panicked(text.unwrap_or_else(|| "no message".to_owned()))
    }
}

impl Place {
    pub(super) fn of(message: &Message) -> Self {
        Place { topic: message.topic.clone(), seq: message.seq }
    }

    fn said(place: Option<&Place>) -> impl fmt::Display {
        match place {
            Some(Place { topic, seq }) => format!("event {seq} of {topic} at a listener to "),
            None => "listener to ".to_owned(),
        }
    }
}

/// What goes wrong with the listeners of an emitter, as it happens.
///
/// Holds a bounded number of errors; what does not fit is logged, as it is when nobody reads
/// errors at all. Dropping it ends it.
#[derive(Debug)]
pub struct Errors(mpsc::Receiver<ListenerError>);

impl Errors {
    /// The next error; `None` when the emitter is gone.
    pub async fn next(&mut self) -> Option<ListenerError> {
        self.0.recv().await
    }
}

impl Stream for Errors {
    type Item = ListenerError;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ListenerError>> {
        self.0.poll_recv(cx)
    }
}

/// Where errors go.
#[derive(Debug, Default)]
pub(super) struct ErrorSinks(Mutex<Vec<mpsc::Sender<ListenerError>>>);

impl ErrorSinks {
    pub(super) fn open(&self) -> Errors {
        let (sink, errors) = mpsc::channel(ERRORS_WAITING);
        let mut sinks = self.0.lock();
        sinks.retain(|sink| !sink.is_closed());
        sinks.push(sink);
        Errors(errors)
    }

    pub(super) fn report(&self, error: ListenerError) {
        let mut taken = 0;
        let mut lost = 0;
        self.0.lock().retain(|sink| match sink.try_send(error.clone()) {
            Ok(()) => {
                taken += 1;
                true
            }
            Err(mpsc::error::TrySendError::Full(_)) => {
                lost += 1;
                true
            }
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        });
        if taken == 0 || lost > 0 {
            log(&error);
        }
    }
}

/// Logs the error without what its cause says about the payload; that is for `debug`.
fn log(error: &ListenerError) {
    tracing::error!(fault = %error.fault, "{error}");
    tracing::debug!(fault = ?error.fault, "{error}");
}
