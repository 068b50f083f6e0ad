//! Listeners: a subscription, a task that takes from it, and the handle that ends both.

use super::listeners::Registration;
use super::queue::Queue;
use super::trouble::Place;
use super::{
    Delivery, Emitter, ListenerError, ListenerFault, Message, SubscribeError, SubscribeOptions,
    Subscription,
};
use futures_util::FutureExt;
use hub_wire::TopicFilter;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// Keeps a listener registered. Dropping it takes the listener off: it gets no event any more,
/// and finishes the one it is at.
#[must_use = "dropping the handle takes the listener off; keep it, or call `detach`"]
pub struct ListenerHandle {
    queue: Arc<Queue>,
    registration: Arc<Registration>,
    task: Option<JoinHandle<()>>,
}

impl ListenerHandle {
    /// The filter for which the listener is registered.
    #[must_use]
    pub fn filter(&self) -> &TopicFilter {
        self.registration.filter()
    }

    /// Leaves the listener registered for as long as the emitter lives.
    pub fn detach(mut self) {
        self.task = None;
    }

    /// Waits until the listener is done by itself: after the last event of
    /// [`many`](Emitter::many), or when the emitter is closed.
    pub async fn finished(mut self) {
        if let Some(task) = &mut self.task {
            // The task catches panics of listeners; it can only be cancelled with its runtime.
            let _ = task.await;
        }
    }

    /// Takes the listener off and waits until it is done with the event it is at.
    ///
    /// Not for use in the listener itself, which would wait for itself.
    pub async fn stop(self) {
        self.end();
        self.finished().await;
    }

    fn end(&self) {
        self.registration.end();
        self.queue.unsubscribe();
    }
}

impl Drop for ListenerHandle {
    fn drop(&mut self) {
        if self.task.is_some() {
            self.end();
        }
    }
}

impl fmt::Debug for ListenerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListenerHandle").field("filter", self.filter()).finish_non_exhaustive()
    }
}

/// Subscribes and registers; `run` then takes from the subscription in a task of its own.
pub(super) async fn start<H, R, Fut>(
    hub: &H,
    filter: TopicFilter,
    options: SubscribeOptions,
    run: R,
) -> Result<ListenerHandle, SubscribeError>
where
    H: Emitter,
    R: FnOnce(Source) -> Fut + Send,
    Fut: Future<Output = ()> + Send + 'static,
{
    let source = Source::open(hub, filter, options).await?;
    let queue = source.subscription.queue();
    let registration = source.registration.clone();
    let task = tokio::spawn(run(source));
    Ok(ListenerHandle { queue, registration, task: Some(task) })
}

/// Calls `handle` with one message after another, `limit` times at most.
pub(super) async fn one_by_one<F, Fut>(mut source: Source, limit: Option<u64>, mut handle: F)
where
    F: FnMut(Message) -> Fut + Send,
    Fut: Future<Output = Result<(), ListenerFault>> + Send,
{
    let mut handled = 0;
    while limit.is_none_or(|limit| handled < limit) {
        let Some(message) = source.next().await else { return };
        let place = Place::of(&message);
        let outcome = caught(async { handle(message).await }).await;
        if let Err(fault) = outcome {
            source.report(Some(place), fault);
        }
        handled += 1;
    }
}

/// Runs a listener's code; a panic becomes a fault.
///
/// What the listener owns may be in a state that the panic left half-done. That is the
/// listener's to mind: it is told so in the documentation, and the alternative would be to stop
/// it.
pub(super) async fn caught<T>(
    code: impl Future<Output = Result<T, ListenerFault>>,
) -> Result<T, ListenerFault> {
    match AssertUnwindSafe(code).catch_unwind().await {
        Ok(outcome) => outcome,
        Err(payload) => Err(ListenerFault::panicked(&*payload)),
    }
}

/// A registered subscription: yields messages, reports everything else.
pub(super) struct Source {
    subscription: Subscription,
    registration: Arc<Registration>,
}

impl Source {
    pub(super) async fn open<H: Emitter>(
        hub: &H,
        filter: TopicFilter,
        options: SubscribeOptions,
    ) -> Result<Self, SubscribeError> {
        let subscription = hub.subscribe(filter.clone(), options).await?;
        let registration = Arc::new(hub.listeners().register(&filter));
        Ok(Source { subscription, registration })
    }

    pub(super) fn subscription(&mut self) -> &mut Subscription {
        &mut self.subscription
    }

    pub(super) fn reporter(&self) -> Arc<Registration> {
        self.registration.clone()
    }

    pub(super) fn report(&self, place: Option<Place>, fault: ListenerFault) {
        self.registration.report(place, fault);
    }

    /// The next message. Gaps are reported, and so is an end that the subscriber did not ask for.
    pub(super) async fn next(&mut self) -> Option<Message> {
        loop {
            // A listener that never waits must not keep the thread from the other tasks.
            tokio::task::coop::consume_budget().await;
            match self.subscription.next().await {
                Some(Delivery::Message(message)) => return Some(message),
                Some(Delivery::Gap(gap)) => self.report(None, ListenerFault::Missed(gap)),
                None => {
                    self.registration.end();
                    let end = self.subscription.take_failure()?;
                    self.report(None, ListenerFault::Ended(end));
                }
            }
        }
    }
}

impl Drop for Source {
    /// A listener that is done is none any more, also while someone keeps its handle.
    fn drop(&mut self) {
        self.registration.end();
    }
}

impl Registration {
    pub(super) fn report(&self, place: Option<Place>, fault: ListenerFault) {
        let filter = self.filter().clone();
        self.listeners().report(ListenerError { filter, place, fault });
    }
}
