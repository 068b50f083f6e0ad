//! Connects a [`Feed`](super::Feed) with its [`Subscription`](super::Subscription). The queue holds
//! a backlog, the task that waits for a delivery, and the tasks that wait for room. Without one
//! lock around them, a wake-up could be lost.

use super::backlog::{PushResult, SubscriptionBacklog};
use super::{Delivery, Message, SubscribeOptions, SubscriptionEnd};
use crate::overflow::policy;
use parking_lot::Mutex;
use std::task::{Context, Poll, Waker};
use tokio::sync::Notify;

/// States the result of pushing a message or a gap.
#[derive(Debug)]
pub enum Pushed {
    /// The message waits, or a gap stands in its place.
    Done,
    /// The overflow policy is `block` and there is no room. The message comes back to the caller.
    /// [`Feed::room`](super::Feed::room) waits for room.
    Full(Message),
    /// The subscription has ended, so nothing more needs to be pushed.
    Ended,
}

/// This function is called once, when the subscriber ends the subscription. It gets the messages
/// that other members of the queue group should get.
type Unsubscribe = Box<dyn FnOnce(Vec<Message>) + Send>;

/// Holds the deliveries of a subscription. Both ends of the subscription share it.
pub(super) struct Queue {
    state: Mutex<State>,
    room: Notify,
}

struct State {
    backlog: SubscriptionBacklog,
    end: Option<SubscriptionEnd>,
    waker: Option<Waker>,
    unsubscribe: Option<Unsubscribe>,
}

impl Queue {
    pub(super) fn new(options: &SubscribeOptions, unsubscribe: Unsubscribe) -> Self {
        // A member of a queue group does not get every event of its topics.
        let exact = options.group.is_none();
        let state = State {
            backlog: SubscriptionBacklog::new(options.capacity, options.overflow, exact),
            end: None,
            waker: None,
            unsubscribe: Some(unsubscribe),
        };
        Queue { state: Mutex::new(state), room: Notify::new() }
    }

    /// Appends a message or a gap by calling `push`, and wakes the subscriber.
    pub(super) fn push(&self, push: impl FnOnce(&mut SubscriptionBacklog) -> PushResult) -> Pushed {
        let (pushed, waker) = {
            let mut state = self.state.lock();
            if state.end.is_some() {
                return Pushed::Ended;
            }
            match push(&mut state.backlog) {
                PushResult::Done => (Pushed::Done, state.waker.take()),
                PushResult::Full(message) => return Pushed::Full(message),
                PushResult::Overrun => {
                    state.end = Some(SubscriptionEnd::Overrun);
                    (Pushed::Ended, state.waker.take())
                }
            }
        };
        // The queue's lock is free here, because a waker may run any code.
        waker.into_iter().for_each(Waker::wake);
        pushed
    }

    /// Takes the next delivery, or arranges that the task is woken when there is a delivery.
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

    /// Returns whether a push would be taken now.
    pub(super) fn has_room(&self) -> bool {
        let state = self.state.lock();
        let blocks = policy(state.backlog.overflow()).blocks();
        state.end.is_some() || !blocks || !state.backlog.is_full()
    }

    /// Waits until [`Queue::has_room`] is true.
    pub(super) async fn room(&self) {
        loop {
            // The wait is registered before the check, so that room that becomes free in between is
            // noticed.
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

    /// Ends the subscription after the deliveries that wait.
    pub(super) fn end(&self, why: SubscriptionEnd) {
        let waker = {
            let mut state = self.state.lock();
            state.end.get_or_insert(why);
            state.waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
        self.room.notify_waiters();
    }

    /// Ends the subscription on the subscriber's behalf. The deliveries that wait are dropped, and
    /// `unsubscribe` is called.
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
