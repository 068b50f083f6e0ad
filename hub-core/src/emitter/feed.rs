//! Defines the end of a subscription at which the hub or the client puts deliveries in.
//!
//! A push never waits. Otherwise one slow listener would hold up the deliveries of all others.

use super::queue::{Pushed, Queue};
use super::{Message, Settlement, SubscribeOptions, Subscription, SubscriptionEnd};
use hub_wire::Gap;
use std::fmt;
use std::sync::Arc;

/// Puts deliveries into a subscription. When the feed is dropped, the subscription ends after the
/// deliveries that still wait.
///
/// ```
/// use hub_core::emitter::{Feed, SubscribeOptions};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let (feed, mut subscription) = Feed::open(&SubscribeOptions::new(), |_left| println!("bye"));
/// drop(feed);
/// assert!(subscription.next().await.is_none());
/// # }
/// ```
pub struct Feed {
    queue: Arc<Queue>,
}

impl Feed {
    /// Makes both ends of a new subscription.
    ///
    /// `unsubscribe` is called once, when the subscriber ends the subscription, and not when the
    /// hub ends it. It gets the messages that still waited for a member of a queue group, because
    /// other members of the group should get them. For a subscription without a group, it gets no
    /// messages.
    pub fn open(
        options: &SubscribeOptions,
        unsubscribe: impl FnOnce(Vec<Message>) + Send + 'static,
    ) -> (Feed, Subscription) {
        let queue = Arc::new(Queue::new(options, Box::new(unsubscribe), None));
        (Feed { queue: queue.clone() }, Subscription::new(queue))
    }

    /// Makes both ends of a new subscription as [`Feed::open`] does. `on_taken` gets the number of
    /// events that the subscriber has finished, each time that the number grows.
    ///
    /// A subscriber has finished an event when it asks for the next one.
    pub fn open_counted(
        options: &SubscribeOptions,
        unsubscribe: impl FnOnce(Vec<Message>) + Send + 'static,
        on_taken: impl Fn(u64) + Send + Sync + 'static,
    ) -> (Feed, Subscription) {
        let queue = Queue::new(options, Box::new(unsubscribe), Some(Box::new(on_taken)));
        let queue = Arc::new(queue);
        (Feed { queue: queue.clone() }, Subscription::new(queue))
    }

    /// Makes both ends of a new subscription that acknowledges its events. `on_settled` gets what the
    /// subscriber says of each event. The events are numbered from 0 on, in the order in which they
    /// were pushed.
    pub fn open_acknowledged(
        options: &SubscribeOptions,
        unsubscribe: impl FnOnce(Vec<Message>) + Send + 'static,
        on_settled: impl Fn(u64, Settlement) + Send + Sync + 'static,
    ) -> (Feed, Subscription) {
        let queue = Queue::acknowledged(options, Box::new(unsubscribe), Arc::new(on_settled));
        let queue = Arc::new(queue);
        (Feed { queue: queue.clone() }, Subscription::new(queue))
    }

    /// Sets what is called when the subscriber wants nothing more than what is on its way. The caller
    /// of this function then [ends](Feed::end) the subscription behind the last such delivery.
    /// Without it, the subscription ends at once behind what waits in it.
    pub fn on_stop(&self, stop: impl Fn() + Send + Sync + 'static) {
        self.queue.set_on_stop(Box::new(stop));
    }

    /// Appends a message. If there is no room, the overflow policy decides. The call never waits.
    pub fn push(&self, message: Message) -> Pushed {
        self.queue.push(|backlog| backlog.push(message))
    }

    /// Appends a gap. The capacity does not count gaps, whose bound is
    /// [`MAX_GAPS`](super::MAX_GAPS).
    pub fn push_gap(&self, gap: Gap) -> Pushed {
        self.queue.push(|backlog| backlog.push_gap(gap))
    }

    /// Returns whether a push would be taken now. The answer can be `false` only under the policy
    /// `block`.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.queue.has_room()
    }

    /// Returns whether fewer events wait than the capacity, under any overflow policy.
    #[must_use]
    pub fn is_keeping_up(&self) -> bool {
        !self.queue.is_full()
    }

    /// Waits until [`Feed::has_room`] is true.
    pub async fn room(&self) {
        self.queue.room().await;
    }

    /// Ends the subscription. The deliveries that wait are still handed over, and no delivery
    /// follows them.
    pub fn end(&self, why: SubscriptionEnd) {
        self.queue.end(why);
    }

    /// Returns whether the subscription has ended, so that nothing more needs to be pushed.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.queue.end_reason().is_some()
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.queue.end(SubscriptionEnd::Closed);
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("ended", &self.has_ended()).finish_non_exhaustive()
    }
}
