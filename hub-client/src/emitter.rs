//! Makes the client an [`Emitter`]. Otherwise a service could not be tested in-process and run over
//! the network.

use crate::Client;
use crate::client::not_appended;
use crate::connection::Command;
use crate::events::ConnectionEvent;
use crate::publish::{PublishFailure, PublishResult};
use bytes::Bytes;
use hub_core::emitter::{
    EmitError, Emitter, Feed, Headers, Listeners, Message, Refusal, RequestError, SubscribeError,
    SubscribeOptions, Subscription,
};
use hub_wire::{EventFrame, RefusedCode, TopicFilter, TopicName};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::oneshot;

impl Emitter for Client {
    async fn emit_raw(
        &self,
        topic: &TopicName,
        payload: Bytes,
        headers: &Headers,
    ) -> Result<(), EmitError> {
        let result = self.append(topic, &payload, headers).await?;
        match result.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(PublishFailure::Refused(refused))) => Err(EmitError::Refused(Refusal(refused))),
            Ok(Err(PublishFailure::NotSent)) => Err(EmitError::Closed),
            Ok(Err(PublishFailure::OutcomeUnknown)) | Err(_) => Err(EmitError::OutcomeUnknown),
        }
    }

    async fn subscribe(
        &self,
        filter: TopicFilter,
        options: SubscribeOptions,
    ) -> Result<Subscription, SubscribeError> {
        if self.state.draining.load(Ordering::Relaxed) {
            return Err(SubscribeError::Closed);
        }
        let id = self.state.next_subscription.fetch_add(1, Ordering::Relaxed);
        let (state, text) = (self.state.clone(), filter.to_string());
        let (feed, subscription) = Feed::open(&options, move |left| {
            if !left.is_empty() {
                let events = left.len() as u64;
                state.events.send(ConnectionEvent::LeftUnhandled { filter: text, events });
            }
            state.unsubscribed.lock().push(id);
            state.unsubscribe_wake.notify_one();
        });
        let (waiting, answer) = oneshot::channel();
        let command = Command::Subscribe { id, filter, options, feed, waiting };
        self.commands.send(command).await.map_err(|_| SubscribeError::Closed)?;
        answer.await.unwrap_or(Err(SubscribeError::Closed))?;
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

impl Client {
    /// Appends an event to the publish log. The receiver resolves with what became of the event.
    async fn append(
        &self,
        topic: &TopicName,
        payload: &[u8],
        headers: &Headers,
    ) -> Result<oneshot::Receiver<PublishResult>, EmitError> {
        let headers = headers.encode();
        let event = EventFrame { topic: topic.as_str(), payload, headers: headers.as_deref() };
        let (waiter, result) = oneshot::channel();
        self.state.log.append(&event, Some(waiter)).await.map_err(not_appended)?;
        Ok(result)
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
            _ => RequestError::Closed,
        })?;
        let lost = || match *self.state.ended.borrow() {
            true => RequestError::Closed,
            false => RequestError::OutcomeUnknown,
        };
        // The reply can arrive before the receipt.
        let published = tokio::select! {
            biased;
            answer = &mut awaited.answer => return answer.map_err(|_| lost()),
            published = &mut result => published,
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
            Ok(Err(PublishFailure::NotSent)) => Err(RequestError::Closed),
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
            sent.map_err(|_| RequestError::Closed)?;
            match answer.await {
                Ok(Ok(())) => {}
                Ok(Err(SubscribeError::Refused(refusal))) => {
                    return Err(RequestError::Refused(refusal));
                }
                Ok(Err(_)) | Err(_) => return Err(RequestError::Closed),
            }
        }
    }
}
