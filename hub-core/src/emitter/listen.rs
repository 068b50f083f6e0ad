//! Runs listeners. Each listener has a subscription, a task that takes messages from it, and a
//! handle that ends both. Without a task for each listener, a slow listener would delay the others.

use super::listener_error::EventRef;
use super::listeners::Registration;
use super::queue::{Queue, Ticket};
use super::{
    Delivery, Emitter, ListenerError, ListenerFault, Message, SubscribeError, SubscribeOptions,
    Subscription, trace,
};
use futures_util::FutureExt;
use hub_wire::TopicFilter;
use std::fmt;
use std::ops::ControlFlow;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::task::JoinHandle;
use tracing::Instrument;

/// Stands for a registered listener, and can take it off.
///
/// A listener lives as long as its emitter, whether its handle is kept or dropped. It ends earlier
/// through [`Emitter::off`], [`ListenerHandle::stop`] or [`Emitter::remove_all_listeners`], or when it
/// returns [`ControlFlow::Break`].
pub struct ListenerHandle {
    queue: Arc<Queue>,
    registration: Arc<Registration>,
    task: JoinHandle<()>,
}

impl ListenerHandle {
    /// Returns the filter for which the listener is registered.
    #[must_use]
    pub fn filter(&self) -> &TopicFilter {
        self.registration.filter()
    }

    /// Gives up the handle and leaves the listener registered for as long as the emitter lives, as
    /// dropping the handle does.
    pub fn detach(self) {}

    /// Waits until the listener ends without being taken off. That happens after the last event of
    /// [`many`](Emitter::many), or when the emitter is closed.
    pub async fn finished(self) {
        // The task catches panics of listeners, so it can only be cancelled together with its runtime.
        let _ = self.task.await;
    }

    /// Takes the listener off in good order: it handles the events that wait for it and those that are
    /// already on their way to it, and gets no event after them. Returns when it has handled the last
    /// one.
    ///
    /// The listener itself must not await this function, because it would wait for itself.
    pub async fn stop(self) {
        self.queue.stop();
        self.finished().await;
    }

    /// Takes the listener off at once, see [`Emitter::off`].
    pub(super) fn off(&self) {
        self.registration.end();
        self.queue.unsubscribe();
    }
}

impl fmt::Debug for ListenerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListenerHandle").field("filter", self.filter()).finish_non_exhaustive()
    }
}

/// Subscribes, registers the listener, and starts `run` with the subscription in a task of its own.
pub(super) async fn start<H, R, Fut>(
    hub: &H,
    filter: TopicFilter,
    options: SubscribeOptions,
    run: R,
) -> Result<ListenerHandle, SubscribeError>
where
    H: Emitter,
    R: FnOnce(ListenerSubscription) -> Fut + Send,
    Fut: Future<Output = ()> + Send + 'static,
{
    let subscription = ListenerSubscription::open(hub, filter, options, true).await?;
    let queue = subscription.inner.queue();
    let registration = subscription.registration.clone();
    let task = tokio::spawn(run(subscription));
    Ok(ListenerHandle { queue, registration, task })
}

/// Calls `handle` with one message after another, at most `limit` times.
pub(super) async fn one_by_one<F, Fut>(
    mut subscription: ListenerSubscription,
    limit: Option<u64>,
    mut handle: F,
) where
    F: FnMut(Message) -> Fut + Send,
    Fut: Future<Output = Result<ControlFlow<()>, ListenerFault>> + Send,
{
    let mut handled = 0;
    while limit.is_none_or(|limit| handled < limit) {
        let Some(message) = subscription.next().await else { return };
        let (event, span) = (EventRef::of(&message), trace::process(&message));
        let outcome = caught(async { handle(message).await }).instrument(span.clone()).await;
        subscription.inner.finish(outcome.as_ref().map(|_| ()).map_err(ListenerFault::reason));
        match outcome {
            Ok(ControlFlow::Continue(())) => {}
            Ok(ControlFlow::Break(())) => return,
            Err(fault) => {
                trace::failed(&span, &fault);
                subscription.report(Some(event), fault);
            }
        }
        handled += 1;
    }
}

/// Runs the code of a listener, and turns a panic into a fault.
/// A panic may leave the values that the listener owns in a half-changed state. The listener has to
/// cope with such values. Otherwise this function would have to stop the listener at its first
/// panic.
pub(super) async fn caught<T>(
    code: impl Future<Output = Result<T, ListenerFault>>,
) -> Result<T, ListenerFault> {
    match AssertUnwindSafe(code).catch_unwind().await {
        Ok(outcome) => outcome,
        Err(payload) => Err(ListenerFault::panicked(&*payload)),
    }
}

/// Wraps the subscription of a registered listener. It yields messages, and reports gaps and
/// failures as errors.
pub(super) struct ListenerSubscription {
    inner: Subscription,
    registration: Arc<Registration>,
}

impl ListenerSubscription {
    /// Subscribes, and registers a listener for the filter. `runs_itself` states whether a task calls
    /// the listener, without the program.
    pub(super) async fn open<H: Emitter>(
        hub: &H,
        filter: TopicFilter,
        options: SubscribeOptions,
        runs_itself: bool,
    ) -> Result<Self, SubscribeError> {
        let inner = hub.subscribe(filter.clone(), options).await?;
        let registration = hub.listeners().register(&filter, &inner.queue(), runs_itself);
        let registration = Arc::new(registration);
        Ok(ListenerSubscription { inner, registration })
    }

    /// Returns the subscription itself, for callers that handle gaps on their own.
    pub(super) fn inner(&mut self) -> &mut Subscription {
        &mut self.inner
    }

    /// Returns the registration, through which a task can report errors.
    pub(super) fn reporter(&self) -> Arc<Registration> {
        self.registration.clone()
    }

    pub(super) fn report(&self, event: Option<EventRef>, fault: ListenerFault) {
        self.registration.report(event, fault);
    }

    /// Waits for the next message. Reports each gap as an error, and also an end that the
    /// subscriber did not ask for.
    pub(super) async fn next(&mut self) -> Option<Message> {
        loop {
            // A listener that never waits must not keep other tasks from running on this thread.
            tokio::task::coop::consume_budget().await;
            let delivery = self.inner.next().await;
            if let Some(message) = self.event_or_report(delivery)? {
                return Some(message);
            }
        }
    }

    /// Waits for the next message as [`ListenerSubscription::next`] does. The message is finished
    /// when its ticket is dropped.
    pub(super) async fn next_with_ticket(&mut self) -> Option<(Message, Option<Ticket>)> {
        loop {
            tokio::task::coop::consume_budget().await;
            let (delivery, ticket) = self.inner.next_with_ticket().await.unzip();
            if let Some(message) = self.event_or_report(delivery)? {
                return Some((message, ticket.flatten()));
            }
        }
    }

    /// Returns the message of a delivery, and reports a gap. Returns `None` at the end of the
    /// subscription, and reports it if the subscriber did not ask for it.
    fn event_or_report(&mut self, delivery: Option<Delivery>) -> Option<Option<Message>> {
        match delivery {
            Some(Delivery::Message(message)) => return Some(Some(message)),
            Some(Delivery::Gap(gap)) => self.report(None, ListenerFault::Missed(gap)),
            None => {
                self.registration.end();
                let end = self.inner.take_failure()?;
                self.report(None, ListenerFault::Ended(end));
            }
        }
        Some(None)
    }
}

impl Drop for ListenerSubscription {
    /// Takes the listener out of the registry as soon as its task ends, even if its handle is kept.
    fn drop(&mut self) {
        self.registration.end();
    }
}

impl Registration {
    pub(super) fn report(&self, event: Option<EventRef>, fault: ListenerFault) {
        let filter = self.filter().clone();
        self.listeners().report(ListenerError { filter, event, fault });
    }
}
