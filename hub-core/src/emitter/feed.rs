use super::queue::Queue;
use super::{Message, SubscribeOptions, Subscription, SubscriptionEnd};
use hub_wire::Gap;
use std::fmt;
use std::sync::Arc;

/// The hub's end of a subscription. Dropping it ends the subscription after what waits.
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

/// What became of a pushed message.
#[derive(Debug)]
pub enum Pushed {
    /// It waits, or a gap stands in its place.
    Done,
    /// The policy is `block` and there is no room: here it is again. See [`Feed::room`].
    Full(Message),
    /// The subscription has ended; nothing more needs to be pushed.
    Ended,
}

impl Feed {
    /// Both ends of a new subscription.
    ///
    /// `unsubscribe` is called once, when the subscriber no longer wants it; not when the hub
    /// ends it. It gets what still waited for a member of a queue group, which others of the
    /// group should get; for other subscriptions that is nothing.
    pub fn open(
        options: &SubscribeOptions,
        unsubscribe: impl FnOnce(Vec<Message>) + Send + 'static,
    ) -> (Feed, Subscription) {
        let queue = Arc::new(Queue::new(options, Box::new(unsubscribe)));
        (Feed { queue: queue.clone() }, Subscription::new(queue))
    }

    /// Appends a message, or does what the overflow policy says. Never waits.
    pub fn push(&self, message: Message) -> Pushed {
        self.queue.push(|backlog| backlog.push(message))
    }

    /// Appends a gap. Gaps are not bound by the capacity, but by their own.
    pub fn push_gap(&self, gap: Gap) -> Pushed {
        self.queue.push(|backlog| backlog.push_gap(gap))
    }

    /// Whether a push would be taken now. Only `block` makes pushers wait.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.queue.has_room()
    }

    /// Whether fewer events wait than the capacity, whatever the policy.
    #[must_use]
    pub fn is_keeping_up(&self) -> bool {
        !self.queue.is_full()
    }

    /// Waits until [`Feed::has_room`].
    pub async fn room(&self) {
        self.queue.room().await;
    }

    /// Ends the subscription: what waits is still delivered, then nothing more.
    pub fn end(&self, why: SubscriptionEnd) {
        self.queue.end(why);
    }

    /// Whether nothing more needs to be pushed.
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
