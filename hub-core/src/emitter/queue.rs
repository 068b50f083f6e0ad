//! Connects a [`Feed`](super::Feed) with its [`Subscription`](super::Subscription). The queue holds
//! a backlog, the task that waits for a delivery, and the tasks that wait for room. Without one
//! lock around them, a wake-up could be lost.

use super::backlog::{PushResult, SubscriptionBacklog};
use super::message::{OnSettled, Settlement, WorkHandle};
use super::progress::Progress;
use super::{Delivery, Message, SubscribeOptions, SubscriptionEnd};
use crate::overflow::policy;
use parking_lot::Mutex;
use std::sync::{Arc, OnceLock};
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

/// This function gets the number of events that the subscriber has finished, each time that the
/// number grows. All events before them are finished too.
pub(super) type OnTaken = Box<dyn Fn(u64) + Send + Sync>;

/// This function is called when the subscriber takes nothing more than what is already on its way.
pub(super) type OnStop = Box<dyn Fn() + Send + Sync>;

/// Holds the deliveries of a subscription. Both ends of the subscription share it.
pub(super) struct Queue {
    state: Mutex<State>,
    room: Notify,
    /// Wakes who waits until the subscriber has nothing to do.
    idle: Notify,
    on_taken: Option<OnTaken>,
    on_settled: Option<OnSettled>,
    on_stop: OnceLock<OnStop>,
}

struct State {
    backlog: SubscriptionBacklog,
    end: Option<SubscriptionEnd>,
    waker: Option<Waker>,
    unsubscribe: Option<Unsubscribe>,
    /// The subscriber has ended the subscription and may still work on an event. After that event,
    /// `unsubscribe` is called with these messages.
    leaving: Option<(Unsubscribe, Vec<Message>)>,
    progress: Progress,
    /// The subscriber works on this event, and finishes it before it asks for the next one.
    current: Option<u64>,
    /// The event, if the subscriber has to acknowledge it.
    current_message: Option<Box<Message>>,
    /// If this is true, the subscriber has asked for the end, and handles what is on its way first.
    stopping: bool,
    /// If this is true, the subscriber takes no further deliveries.
    left: bool,
}

/// Describes an event on which the subscriber has worked.
struct Finished {
    event: u64,
    /// The event, if the subscriber has to acknowledge it.
    message: Option<Box<Message>>,
    /// This many events from the first on are finished, if that number has grown.
    taken: Option<u64>,
}

impl State {
    /// Takes the event on which the subscriber works, if there is one.
    fn finish_current(&mut self) -> Option<Finished> {
        let event = self.current.take()?;
        let message = self.current_message.take();
        Some(Finished { event, message, taken: self.progress.finish(event) })
    }
}

impl Queue {
    pub(super) fn new(
        options: &SubscribeOptions,
        unsubscribe: Unsubscribe,
        on_taken: Option<OnTaken>,
    ) -> Self {
        // A member of a queue group does not get every event of its topics.
        let exact = options.group.is_none();
        let state = State {
            backlog: SubscriptionBacklog::new(options.capacity, options.overflow, exact),
            end: None,
            waker: None,
            unsubscribe: Some(unsubscribe),
            leaving: None,
            progress: Progress::default(),
            current: None,
            current_message: None,
            stopping: false,
            left: false,
        };
        Queue {
            state: Mutex::new(state),
            room: Notify::new(),
            idle: Notify::new(),
            on_taken,
            on_settled: None,
            on_stop: OnceLock::new(),
        }
    }

    /// Makes a queue whose subscriber acknowledges its events.
    pub(super) fn acknowledged(
        options: &SubscribeOptions,
        unsubscribe: Unsubscribe,
        on_settled: OnSettled,
    ) -> Self {
        let queue = Queue::new(options, unsubscribe, None);
        Queue { on_settled: Some(on_settled), ..queue }
    }

    /// Sets what [`Queue::stop`] calls.
    pub(super) fn set_on_stop(&self, on_stop: OnStop) {
        let _ = self.on_stop.set(on_stop);
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

    /// Takes the next delivery, or arranges that the task is woken when there is a delivery. The
    /// subscriber has finished the delivery before.
    pub(super) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
        self.poll(cx, |state, event| state.current = Some(event))
    }

    /// Takes the next delivery as [`Queue::poll_next`] does. An event is finished when its ticket is
    /// dropped, so several events can be in work.
    pub(super) fn poll_ticket(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<(Delivery, Option<Ticket>)>> {
        let mut ticket = None;
        let polled = self.poll(cx, |_, event| ticket = Some(event));
        let ticket = ticket.map(|event| Ticket { queue: self.clone(), event });
        polled.map(|delivery| delivery.map(|delivery| (delivery, ticket)))
    }

    /// Takes the next delivery. Calls `begin` with the index of the event, if it is one.
    fn poll(
        &self,
        cx: &mut Context<'_>,
        begin: impl FnOnce(&mut State, u64),
    ) -> Poll<Option<Delivery>> {
        let (polled, finished) = {
            let mut state = self.state.lock();
            let state = &mut *state;
            let finished = state.finish_current();
            let polled = match state.backlog.pop() {
                Some(mut delivery) => {
                    if let Delivery::Message(message) = &mut delivery {
                        let event = state.progress.begin();
                        if let Some(on_settled) = &self.on_settled {
                            state.current_message = Some(Box::new(message.clone()));
                            let on_settled = on_settled.clone();
                            message.work = Some(WorkHandle { event, on_settled });
                        }
                        begin(state, event);
                    }
                    Poll::Ready(Some(delivery))
                }
                None if state.end.is_some() => Poll::Ready(None),
                None => {
                    state.waker = Some(cx.waker().clone());
                    Poll::Pending
                }
            };
            (polled, finished)
        };
        self.tell_finished(finished, Ok(()));
        if matches!(polled, Poll::Ready(Some(_))) {
            self.room.notify_waiters();
        } else {
            self.idle.notify_waiters();
        }
        polled
    }

    /// Notes that the subscriber has finished the event that it works on, or has failed on it for a
    /// reason.
    pub(super) fn finish_current(&self, outcome: Result<(), String>) {
        let finished = self.state.lock().finish_current();
        self.tell_finished(finished, outcome);
    }

    /// Tells what became of an event on which the subscriber has worked.
    fn tell_finished(&self, finished: Option<Finished>, outcome: Result<(), String>) {
        let Some(Finished { event, message, taken }) = finished else { return };
        self.tell(taken);
        if let (Some(on_settled), Some(message)) = (&self.on_settled, message) {
            let settlement = match outcome {
                Ok(()) => Settlement::Done,
                Err(reason) => Settlement::Failed(message, reason),
            };
            on_settled(event, settlement);
            self.leave_if_due();
        }
    }

    /// Returns whether nothing waits for the subscriber, and it works on nothing.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.state.lock();
        let done = state.backlog.is_empty() && state.progress.begun == state.progress.finished();
        done || state.left && state.current_message.is_none()
    }

    /// Waits until [`Queue::is_idle`] is true.
    pub(super) async fn idle(&self) {
        loop {
            // The wait is registered before the check, so that no change in between is missed.
            let changed = self.idle.notified();
            if self.is_idle() {
                return;
            }
            changed.await;
        }
    }

    /// Notes that the subscriber has finished an event.
    fn finish(&self, event: u64) {
        let taken = self.state.lock().progress.finish(event);
        self.tell(taken);
        self.idle.notify_waiters();
    }

    /// Tells how many events are finished, if the number has grown.
    fn tell(&self, taken: Option<u64>) {
        if let (Some(taken), Some(on_taken)) = (taken, &self.on_taken) {
            on_taken(taken);
        }
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

    /// Ends the subscription on the subscriber's behalf, after the deliveries that wait and those that
    /// are on their way.
    pub(super) fn stop(&self) {
        match self.on_stop.get() {
            Some(on_stop) => {
                self.state.lock().stopping = true;
                on_stop();
            }
            None => self.end(SubscriptionEnd::Unsubscribed),
        }
    }

    /// Ends the subscription on the subscriber's behalf. The deliveries that wait are dropped, and
    /// `unsubscribe` is called.
    pub(super) fn unsubscribe(&self) {
        {
            let mut state = self.state.lock();
            let state = &mut *state;
            let ended_by_hub = state.end.is_some() && !state.stopping;
            state.left = true;
            let left = state.backlog.clear();
            let unsubscribe = state.unsubscribe.take().filter(|_| !ended_by_hub);
            state.leaving = unsubscribe.map(|unsubscribe| (unsubscribe, left));
        }
        self.end(SubscriptionEnd::Unsubscribed);
        if self.on_settled.is_none() {
            // A listener that is taken off still finishes its event. It does not ask for another
            // one, so this is the last moment to count it.
            self.finish_current(Ok(()));
        }
        self.leave_if_due();
    }

    /// Ends the subscription because nobody will ask for a delivery any more. An event that has to be
    /// acknowledged and is not finished stays so.
    pub(super) fn abandon(&self) {
        if self.on_settled.is_some() {
            let mut state = self.state.lock();
            (state.current, state.current_message) = (None, None);
        }
        self.unsubscribe();
    }

    /// Calls `unsubscribe`, unless the subscriber still has to acknowledge an event.
    fn leave_if_due(&self) {
        let leaving = {
            let mut state = self.state.lock();
            if state.current_message.is_some() { None } else { state.leaving.take() }
        };
        if let Some((unsubscribe, left)) = leaving {
            unsubscribe(left);
        }
        self.idle.notify_waiters();
    }
}

/// Stands for an event that a subscriber works on. Dropping it finishes the event.
pub(super) struct Ticket {
    queue: Arc<Queue>,
    event: u64,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.queue.finish(self.event);
    }
}
