//! Makes the client an [`Emitter`]. Otherwise a service could not be tested in-process and run over
//! the network.

use crate::Client;
use crate::client::not_appended;
use crate::connection::Command;
use crate::events::ConnectionEvent;
use crate::publish::{PublishFailure, PublishLog, PublishResult};
use crate::subscriptions::TakenCounter;
use bytes::Bytes;
use hub_core::emitter::{
    EmitError, Emitter, Feed, Headers, Listeners, Message, Refusal, RequestError, SubscribeError,
    SubscribeOptions, Subscription,
};
use hub_wire::{EventFrame, Overflow, RefusedCode, TopicFilter, TopicName};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

impl Emitter for Client {
    async fn emit_raw(
        &self,
        topic: &TopicName,
        payload: Bytes,
        headers: &Headers,
    ) -> Result<(), EmitError> {
        let deadline = self.state.options.emit_timeout.map(|time| Instant::now() + time);
        let appended = within(deadline, self.append(topic, &payload, headers)).await;
        let Some(appended) = appended else { return Err(EmitError::NotSent) };
        let mut published = appended?;
        match within(deadline, &mut published.result).await {
            None if published.withdraw() => Err(EmitError::NotSent),
            None => Err(EmitError::TimedOut),
            Some(Ok(Ok(()))) => Ok(()),
            Some(Ok(Err(PublishFailure::Refused(refused)))) => {
                Err(EmitError::Refused(Refusal(refused)))
            }
            Some(Ok(Err(PublishFailure::NotSent))) => Err(self.state.emit_error()),
            Some(Ok(Err(PublishFailure::OutcomeUnknown)) | Err(_)) => {
                Err(EmitError::OutcomeUnknown)
            }
        }
    }

    async fn subscribe(
        &self,
        filter: TopicFilter,
        options: SubscribeOptions,
    ) -> Result<Subscription, SubscribeError> {
        if self.state.draining.load(Ordering::Relaxed) {
            return Err(self.state.subscribe_error());
        }
        let id = self.state.next_subscription.fetch_add(1, Ordering::Relaxed);
        let (state, text) = (self.state.clone(), filter.to_string());
        // A plain subscriber gets what fits. What waits at one member of a queue group is lost to the
        // others, so a member begins with what it works on at once.
        let most = options.capacity as u64;
        let least = if options.group.is_some() { options.concurrency as u64 } else { most };
        let counter = TakenCounter::new(id, least, most, self.state.taken.clone());
        let counter = Arc::new(counter);
        let counted = counter.clone();
        // The hub keeps to the window, so the queue never gets full. A hub that does not is not read
        // any further.
        let queue = SubscribeOptions { overflow: Overflow::Block, ..options.clone() };
        let queue = queue.capacity(options.capacity.max(1) + 1);
        let unsubscribe = move |left: Vec<Message>| {
            if !left.is_empty() {
                let events = left.len() as u64;
                state.events.send(ConnectionEvent::LeftUnhandled { filter: text, events });
            }
            state.unsubscribed.lock().push(id);
            state.unsubscribe_wake.notify_one();
        };
        let (feed, subscription) = if options.acknowledge.is_some() {
            let settle = move |event, settlement| counter.settle(event, settlement);
            Feed::open_acknowledged(&queue, unsubscribe, settle)
        } else {
            Feed::open_counted(&queue, unsubscribe, move |taken| counter.finished(taken))
        };
        let state = self.state.clone();
        feed.on_stop(move || {
            state.stopping.lock().push(id);
            state.unsubscribe_wake.notify_one();
        });
        let (waiting, answer) = oneshot::channel();
        let command = Command::Subscribe { id, filter, options, feed, counter: counted, waiting };
        self.commands.send(command).await.map_err(|_| self.state.subscribe_error())?;
        answer.await.unwrap_or_else(|_| Err(self.state.subscribe_error()))?;
        Ok(subscription)
    }

    async fn request_raw(
        &self,
        topic: &TopicName,
        payload: Bytes,
        headers: Headers,
        timeout: Duration,
    ) -> Result<Message, RequestError> {
        let answer = self.ask(topic, &payload, headers);
        tokio::time::timeout(timeout, answer).await.unwrap_or(Err(RequestError::TimedOut))
    }

    fn listeners(&self) -> &Listeners {
        &self.listeners
    }
}

/// Stands for an event whose caller waits for its result. Dropping it takes the event back, unless the
/// event was already sent: an event that its caller has given up must not appear later.
struct AwaitedEvent<'a> {
    log: &'a PublishLog,
    id: u64,
    result: oneshot::Receiver<PublishResult>,
}

impl AwaitedEvent<'_> {
    /// Takes the event back. Returns false if it was already sent.
    fn withdraw(&self) -> bool {
        self.log.withdraw(self.id)
    }
}

impl Drop for AwaitedEvent<'_> {
    fn drop(&mut self) {
        // An event with a result is no longer in the log, or was sent.
        if !self.result.is_terminated() {
            self.withdraw();
        }
    }
}

/// Waits for `work` until `deadline`, or without an end if there is none.
async fn within<T>(deadline: Option<Instant>, work: impl Future<Output = T>) -> Option<T> {
    match deadline {
        Some(deadline) => tokio::time::timeout_at(deadline, work).await.ok(),
        None => Some(work.await),
    }
}

impl Client {
    /// Appends an event to the publish log. The event is taken back if the returned value is dropped
    /// before the event was sent.
    async fn append(
        &self,
        topic: &TopicName,
        payload: &[u8],
        headers: &Headers,
    ) -> Result<AwaitedEvent<'_>, EmitError> {
        let headers = headers.encode();
        let event = EventFrame { topic: topic.as_str(), payload, headers: headers.as_deref() };
        let (waiter, result) = oneshot::channel();
        let appended = self.state.log.append(&event, Some(waiter)).await;
        let appended = appended.map_err(|error| not_appended(error, &self.state))?;
        Ok(AwaitedEvent { log: &self.state.log, id: appended.waiter, result })
    }

    /// Sends a request and waits for its reply.
    async fn ask(
        &self,
        topic: &TopicName,
        payload: &[u8],
        headers: Headers,
    ) -> Result<Message, RequestError> {
        let inbox = self.inbox().await?;
        let prefix =
            u32::from_be_bytes(self.state.instance.first_chunk().copied().unwrap_or([0; 4]));
        let mut awaited = self.state.replies.expect(headers.id(), prefix);
        let headers = headers.with_id(awaited.id.as_str()).with_reply(inbox);
        let mut result = self.append(topic, payload, &headers).await.map_err(|e| match e {
            EmitError::TooLarge { size, limit } => RequestError::TooLarge { size, limit },
            _ => self.state.request_error(),
        })?;
        let lost = || match *self.state.ended.borrow() {
            true => self.state.request_error(),
            false => RequestError::OutcomeUnknown,
        };
        // The reply can arrive before the receipt.
        let published = tokio::select! {
            biased;
            answer = &mut awaited.answer => return answer.map_err(|_| lost()),
            published = &mut result.result => published,
        };
        match published {
            Ok(Ok(())) => (&mut awaited.answer).await.map_err(|_| lost()),
            Ok(Err(PublishFailure::Refused(refused)))
                if refused.code == RefusedCode::NoSubscriber =>
            {
                Err(RequestError::NoSubscriber)
            }
            Ok(Err(PublishFailure::Refused(refused))) => {
                Err(RequestError::Refused(Refusal(refused)))
            }
            Ok(Err(PublishFailure::NotSent)) => Err(self.state.request_error()),
            Ok(Err(PublishFailure::OutcomeUnknown)) | Err(_) => Err(lost()),
        }
    }

    /// Returns the topic of this client's inbox, as soon as replies can arrive on it.
    async fn inbox(&self) -> Result<TopicName, RequestError> {
        loop {
            if let Some(inbox) = self.state.inbox.lock().clone() {
                return Ok(inbox);
            }
            let (waiting, answer) = oneshot::channel();
            let sent = self.commands.send(Command::Inbox(waiting)).await;
            sent.map_err(|_| self.state.request_error())?;
            match answer.await {
                Ok(Ok(())) => {}
                Ok(Err(SubscribeError::Refused(refusal))) => {
                    return Err(RequestError::Refused(refusal));
                }
                Ok(Err(_)) | Err(_) => return Err(self.state.request_error()),
            }
        }
    }
}
