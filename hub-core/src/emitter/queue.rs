//! What is between a [`Feed`](super::Feed) and its [`Subscription`](super::Subscription): a
//! backlog, who waits for something to come, and who waits for room.

use super::backlog::{Backlog, Push};
use super::{Delivery, Message, Pushed, SubscribeOptions, SubscriptionEnd};
use hub_wire::Overflow;
use parking_lot::Mutex;
use std::task::{Context, Poll, Waker};
use tokio::sync::Notify;

type Unsubscribe = Box<dyn FnOnce(Vec<Message>) + Send>;

pub(super) struct Queue {
    state: Mutex<State>,
    room: Notify,
}

struct State {
    backlog: Backlog,
    end: Option<SubscriptionEnd>,
    waker: Option<Waker>,
    unsubscribe: Option<Unsubscribe>,
}

impl Queue {
    pub(super) fn new(options: &SubscribeOptions, unsubscribe: Unsubscribe) -> Self {
        // A member of a queue group does not get every event of its topics.
        let exact = options.group.is_none();
        let state = State {
            backlog: Backlog::new(options.capacity, options.overflow, exact),
            end: None,
            waker: None,
            unsubscribe: Some(unsubscribe),
        };
        Queue { state: Mutex::new(state), room: Notify::new() }
    }

    pub(super) fn push(&self, push: impl FnOnce(&mut Backlog) -> Push) -> Pushed {
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

    pub(super) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
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

    /// Whether a push would be taken now.
    pub(super) fn has_room(&self) -> bool {
        let state = self.state.lock();
        let blocks = state.backlog.overflow() == Overflow::Block;
        state.end.is_some() || !blocks || !state.backlog.is_full()
    }

    /// Waits until [`Queue::has_room`].
    pub(super) async fn room(&self) {
        loop {
            // Made before the look, so that room made in between is not missed.
            let changed = self.room.notified();
            if self.has_room() {
                return;
            }
            changed.await;
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.state.lock().backlog.is_full()
    }

    pub(super) fn end_reason(&self) -> Option<SubscriptionEnd> {
        self.state.lock().end.clone()
    }

    /// Ends the subscription after what waits.
    pub(super) fn end(&self, why: SubscriptionEnd) {
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
            (state.unsubscribe.take().filter(|_| !ended_by_hub), left)
        };
        self.end(SubscriptionEnd::Unsubscribed);
        if let Some(unsubscribe) = unsubscribe {
            unsubscribe(left);
        }
    }
}
