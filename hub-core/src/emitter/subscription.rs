//! Defines the end of a subscription from which a listener takes deliveries.
//!
//! Dropping a subscription unsubscribes. Otherwise a forgotten subscription would go on filling its
//! queue.

use super::Delivery;
use super::queue::{Queue, Ticket};
use super::subscription_end::SubscriptionEnd;
use futures_util::Stream;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Yields the events of one filter, and gaps where events are missing.
///
/// Dropping the subscription unsubscribes.
///
/// ```
/// use hub_core::emitter::{Delivery, Emitter, LocalHub, SubscribeOptions, encode};
/// use hub_wire::{TopicFilter, TopicName};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let hub = LocalHub::default();
/// let filter = TopicFilter::parse("orders.**")?;
/// let mut orders = hub.subscribe(filter, SubscribeOptions::new()).await?;
/// hub.emit_raw(&TopicName::parse("orders.placed")?, encode(&7)?, &Default::default()).await?;
/// let Some(Delivery::Message(message)) = orders.next().await else { panic!("an event") };
/// assert_eq!((message.seq, message.decode::<u32>()?), (1, 7));
/// # Ok(())
/// # }
/// ```
pub struct Subscription {
    queue: Arc<Queue>,
    failure_taken: bool,
}

impl Subscription {
    pub(super) fn new(queue: Arc<Queue>) -> Self {
        Subscription { queue, failure_taken: false }
    }

    /// Waits for the next delivery. Returns `None` when the subscription has ended.
    pub async fn next(&mut self) -> Option<Delivery> {
        std::future::poll_fn(|cx| self.queue.poll_next(cx)).await
    }

    /// Waits for the next delivery as [`Subscription::next`] does. An event is finished when its
    /// ticket is dropped, so several events can be in work at a time.
    pub(super) async fn next_with_ticket(&mut self) -> Option<(Delivery, Option<Ticket>)> {
        std::future::poll_fn(|cx| self.queue.poll_ticket(cx)).await
    }

    /// States that the subscriber has finished the event that it got last, or has failed on it. Only
    /// a subscription that [acknowledges](super::SubscribeOptions::acknowledge) passes the reason of a
    /// failure on.
    ///
    /// A subscriber that asks for the next delivery without this call has finished the event.
    pub fn finish(&self, outcome: Result<(), String>) {
        self.queue.finish_current(outcome);
    }

    /// Returns why the subscription ended, or `None` if it has not ended.
    #[must_use]
    pub fn end_reason(&self) -> Option<SubscriptionEnd> {
        self.queue.end_reason()
    }

    /// Returns why the subscription failed, on the first call after the failure. An end that the
    /// subscriber or the emitter wanted is no failure.
    pub(super) fn take_failure(&mut self) -> Option<SubscriptionEnd> {
        let end = self.end_reason()?;
        let wanted = matches!(end, SubscriptionEnd::Closed | SubscriptionEnd::Unsubscribed);
        (!wanted && !std::mem::replace(&mut self.failure_taken, true)).then_some(end)
    }

    /// Returns the queue, through which a handle can end the subscription.
    pub(super) fn queue(&self) -> Arc<Queue> {
        self.queue.clone()
    }
}

impl Stream for Subscription {
    type Item = Delivery;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
        self.queue.poll_next(cx)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.queue.abandon();
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("end", &self.end_reason()).finish_non_exhaustive()
    }
}
