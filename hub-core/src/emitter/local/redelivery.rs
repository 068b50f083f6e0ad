//! Gives events of an in-process hub again on which a listener has failed, as a hub over the network
//! does. Without this module, a service could not test what it does with an event that comes again.
//!
//! Listeners of this process cannot vanish, so an in-process hub has no time-outs.

use super::inner::Inner;
use super::new_event::NewEvent;
use crate::emitter::{Acknowledge, Headers, Message};
use hub_wire::{GapReason, TopicName, backoff_after};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

/// Names the subscription that failed on an event.
pub(super) struct FailedSubscription {
    pub(super) id: u64,
    pub(super) group: Option<Arc<str>>,
    pub(super) terms: Acknowledge,
}

impl Inner {
    /// Gives an event again after the backoff, or gives it up after its last attempt.
    pub(super) fn failed(
        self: &Arc<Self>,
        failed: &FailedSubscription,
        message: Message,
        reason: String,
    ) {
        let terms = failed.terms.terms();
        let hub = self.clone();
        self.set_one_aside();
        if message.attempt < terms.attempts {
            let backoff = backoff_after(Duration::from_millis(terms.backoff_ms), message.attempt);
            let (id, group) = (failed.id, failed.group.clone());
            let message = Message { attempt: message.attempt + 1, work: None, ..message };
            tokio::spawn(async move {
                tokio::time::sleep(backoff).await;
                hub.state.lock().give_again(id, group.as_ref(), message);
                hub.done_with_one();
            });
            return;
        }
        let Some(to) = terms.dead_letter.as_ref().and_then(|name| TopicName::parse(name).ok())
        else {
            let gap = message.gap(GapReason::GivenUp);
            hub.state.lock().tell(failed.id, &message.topic, gap);
            return hub.done_with_one();
        };
        let headers = dead_headers(&message, failed.group.as_deref(), &reason);
        tokio::spawn(async move {
            let (payload, publisher) = (message.payload, &"$hub".into());
            let event = NewEvent { topic: &to, payload, headers: &headers, publisher };
            if hub.publish(&event, false).await.is_err() {
                tracing::warn!(topic = %to, "a dead letter was lost, because the hub is closed");
            }
            hub.done_with_one();
        });
    }
}

/// Returns the headers of the dead letter for an event.
fn dead_headers(message: &Message, group: Option<&str>, reason: &str) -> Headers {
    fn with<T: Serialize>(headers: Headers, key: &str, value: T) -> Headers {
        // A text or a number can always be written.
        headers.clone().with(key, &value).unwrap_or(headers)
    }
    let headers = message.headers.clone().without_reply();
    let headers = with(headers, "$dead.topic", message.topic.as_str());
    let headers = with(headers, "$dead.epoch", message.epoch);
    let headers = with(headers, "$dead.number", message.seq);
    let headers = with(headers, "$dead.attempts", message.attempt);
    let headers = with(headers, "$dead.reason", reason);
    match group {
        Some(group) => with(headers, "$dead.group", group),
        None => headers,
    }
}
