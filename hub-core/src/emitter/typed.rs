//! Yields typed events without a listener: as a stream, or only the next event. Without this
//! module, a program that reads events in a loop would have to decode them itself.

use super::listen::ListenerSubscription;
use super::{Delivery, Event, ReceiveError, Received, SubscriptionEnd};
use futures_util::Stream;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Yields the events of one type, and errors where events are missing or do not decode.
/// [`Emitter::stream`](super::Emitter::stream) makes such a stream.
///
/// The stream counts as a listener. Dropping the stream unsubscribes.
#[must_use = "dropping the stream unsubscribes"]
pub struct EventStream<E> {
    subscription: ListenerSubscription,
    events: PhantomData<fn() -> E>,
}

impl<E: Event> EventStream<E> {
    pub(super) fn new(subscription: ListenerSubscription) -> Self {
        EventStream { subscription, events: PhantomData }
    }

    /// Waits for the next event, or for the error in its place. Returns `None` when the emitter was
    /// closed.
    pub async fn next(&mut self) -> Option<Result<Received<E>, ReceiveError>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl<E: Event> Stream for EventStream<E> {
    type Item = Result<Received<E>, ReceiveError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let subscription = self.get_mut().subscription.inner();
        Poll::Ready(match ready!(Pin::new(&mut *subscription).poll_next(cx)) {
            Some(Delivery::Message(message)) => {
                let expected = E::TYPE;
                Some(
                    Received::decode(message)
                        .map_err(|source| ReceiveError::Undecodable { expected, source }),
                )
            }
            Some(Delivery::Gap(gap)) => Some(Err(ReceiveError::Missed(gap))),
            None => subscription.take_failure().map(|end| Err(ReceiveError::Ended(end))),
        })
    }
}

impl<E> fmt::Debug for EventStream<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").finish_non_exhaustive()
    }
}

/// Resolves with the next event of one type. [`Emitter::once`](super::Emitter::once) makes this
/// future.
///
/// The future is already subscribed: an event that is emitted before its first poll is not missed.
#[must_use = "a future does nothing unless it is awaited"]
pub struct Next<E>(EventStream<E>);

impl<E: Event> Next<E> {
    pub(super) fn new(stream: EventStream<E>) -> Self {
        Next(stream)
    }
}

impl<E: Event> Future for Next<E> {
    type Output = Result<Received<E>, ReceiveError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let next = ready!(Pin::new(&mut self.0).poll_next(cx));
        Poll::Ready(next.unwrap_or(Err(ReceiveError::Ended(SubscriptionEnd::Closed))))
    }
}

impl<E> fmt::Debug for Next<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next").finish_non_exhaustive()
    }
}
