//! The two ends of a subscription: [`Feed`], into which a hub puts, and [`Subscription`], from
//! which a listener takes.

use super::backlog::{Backlog, Push};
use super::{Delivery, Message, Refusal, SubscribeOptions};
use crate::wire::{Gap, Overflow};
use futures_util::Stream;
use parking_lot::Mutex;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use thiserror::Error;
use tokio::sync::Notify;

/// Why no more will come.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum SubscriptionEnd {
    /// Too much waited, and the overflow policy is `disconnect`; or events were dropped in more
    /// topics than [`MAX_GAPS`](super::MAX_GAPS) allows to tell.
    #[error("too much waited for the subscription")]
    Overrun,
    /// The hub or the connection to it was closed for good.
    #[error("the emitter was closed")]
    Closed,
    /// The hub took the subscription back, or refused it after a reconnect.
    #[error("the hub refused the subscription")]
    Refused(#[source] Refusal),
    /// The subscriber ended it.
    #[error("the subscriber unsubscribed")]
    Unsubscribed,
}

/// What arrives for one filter: events, and gaps where events are missing.
///
/// Dropping it unsubscribes.
///
/// ```
/// use hub_core::emitter::{Delivery, Emitter, LocalHub, SubscribeOptions, encode};
/// use hub_core::topic::{TopicFilter, TopicName};
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
    shared: Arc<Shared>,
    failure_taken: bool,
}

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
    shared: Arc<Shared>,
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

pub(super) struct Shared {
    state: Mutex<State>,
    room: Notify,
}

type Unsubscribe = Box<dyn FnOnce(Vec<Message>) + Send>;

struct State {
    backlog: Backlog,
    end: Option<SubscriptionEnd>,
    waker: Option<Waker>,
    unsubscribe: Option<Unsubscribe>,
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
        let exact = options.group.is_none();
        let state = State {
            backlog: Backlog::new(options.capacity, options.overflow, exact),
            end: None,
            waker: None,
            unsubscribe: Some(Box::new(unsubscribe)),
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), room: Notify::new() });
        (Feed { shared: shared.clone() }, Subscription { shared, failure_taken: false })
    }

    /// Appends a message, or does what the overflow policy says. Never waits.
    pub fn push(&self, message: Message) -> Pushed {
        self.shared.push(|backlog| backlog.push(message))
    }

    /// Appends a message, and waits for room if the policy is `block`. Returns whether the
    /// subscription still lives.
    pub async fn push_when_room(&self, mut message: Message) -> bool {
        loop {
            match self.push(message) {
                Pushed::Done => return true,
                Pushed::Ended => return false,
                Pushed::Full(back) => message = back,
            }
            self.room().await;
        }
    }

    /// Appends a gap. Gaps are not bound by the capacity, but by their own.
    pub fn push_gap(&self, gap: Gap) -> Pushed {
        self.shared.push(|backlog| backlog.push_gap(gap))
    }

    /// Whether a push would be taken now. Only `block` makes pushers wait.
    #[must_use]
    pub fn has_room(&self) -> bool {
        let state = self.shared.state.lock();
        state.end.is_some()
            || state.backlog.overflow() != Overflow::Block
            || !state.backlog.is_full()
    }

    /// Whether fewer events wait than the capacity, whatever the policy.
    #[must_use]
    pub fn is_keeping_up(&self) -> bool {
        !self.shared.state.lock().backlog.is_full()
    }

    /// Waits until [`Feed::has_room`].
    pub async fn room(&self) {
        loop {
            // Made before the look, so that room made in between is not missed.
            let changed = self.shared.room.notified();
            if self.has_room() {
                return;
            }
            changed.await;
        }
    }

    /// Ends the subscription: what waits is still delivered, then nothing more.
    pub fn end(&self, why: SubscriptionEnd) {
        self.shared.end(why);
    }

    /// Whether nothing more needs to be pushed.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.shared.state.lock().end.is_some()
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.shared.end(SubscriptionEnd::Closed);
    }
}

impl Subscription {
    /// The next delivery; `None` when the subscription has ended.
    pub async fn next(&mut self) -> Option<Delivery> {
        std::future::poll_fn(|cx| self.shared.poll_next(cx)).await
    }

    /// Why it ended, if it did.
    #[must_use]
    pub fn end_reason(&self) -> Option<SubscriptionEnd> {
        self.shared.state.lock().end.clone()
    }

    /// Why it ended, the first time this is asked, unless someone wanted it to end.
    pub(super) fn take_failure(&mut self) -> Option<SubscriptionEnd> {
        let end = self.end_reason()?;
        let wanted = matches!(end, SubscriptionEnd::Closed | SubscriptionEnd::Unsubscribed);
        (!wanted && !std::mem::replace(&mut self.failure_taken, true)).then_some(end)
    }

    /// Lets others end it.
    pub(super) fn shared(&self) -> Arc<Shared> {
        self.shared.clone()
    }
}

impl Stream for Subscription {
    type Item = Delivery;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
        self.shared.poll_next(cx)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.shared.unsubscribe();
    }
}

impl Shared {
    fn push(&self, push: impl FnOnce(&mut Backlog) -> Push) -> Pushed {
        let (pushed, waker) = {
            let mut state = self.state.lock();
            if state.end.is_some() {
                return Pushed::Ended;
            }
            match push(&mut state.backlog) {
                Push::Done => (Pushed::Done, state.waker.take()),
                Push::Full(message) => return Pushed::Full(message),
                Push::Overrun => {
                    state.end = Some(SubscriptionEnd::Overrun);
                    (Pushed::Ended, state.waker.take())
                }
            }
        };
        // Outside the queue's lock: what a waker does is its own affair.
        waker.into_iter().for_each(Waker::wake);
        pushed
    }

    fn end(&self, why: SubscriptionEnd) {
        let waker = {
            let mut state = self.state.lock();
            state.end.get_or_insert(why);
            state.waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
        self.room.notify_waiters();
    }

    /// Ends the subscription for the subscriber: what waits is dropped, and the hub is told.
    pub(super) fn unsubscribe(&self) {
        let (unsubscribe, left) = {
            let mut state = self.state.lock();
            let ended_by_hub = state.end.is_some();
            let left = state.backlog.clear();
            state.end.get_or_insert(SubscriptionEnd::Unsubscribed);
            (state.unsubscribe.take().filter(|_| !ended_by_hub), left)
        };
        self.end(SubscriptionEnd::Unsubscribed);
        if let Some(unsubscribe) = unsubscribe {
            unsubscribe(left);
        }
    }

    fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
        let delivery = {
            let mut state = self.state.lock();
            match state.backlog.pop() {
                Some(delivery) => delivery,
                None if state.end.is_some() => return Poll::Ready(None),
                None => {
                    state.waker = Some(cx.waker().clone());
                    return Poll::Pending;
                }
            }
        };
        self.room.notify_waiters();
        Poll::Ready(Some(delivery))
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("end", &self.end_reason()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("ended", &self.has_ended()).finish_non_exhaustive()
    }
}
