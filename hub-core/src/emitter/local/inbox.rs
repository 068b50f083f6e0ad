//! Answers on their way back: each request awaits its own on a topic of its own.

use crate::emitter::Message;
use hub_wire::TopicName;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::oneshot;

const PREFIX: &str = "$inbox.";

/// The requests that have no answer yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Inbox(Arc<Mutex<Requests>>);

#[derive(Debug, Default)]
struct Requests {
    waiting: HashMap<TopicName, oneshot::Sender<Message>>,
    opened: u64,
    closed: bool,
}

impl Inbox {
    /// Whether answers are sent to this topic.
    pub(super) fn has(topic: &TopicName) -> bool {
        topic.as_str().starts_with(PREFIX)
    }

    /// Opens a place for one answer; `None` if the hub is closed.
    pub(super) fn open(&self) -> Option<Pending> {
        let mut requests = self.0.lock();
        if requests.closed {
            return None;
        }
        requests.opened += 1;
        let topic = TopicName::parse(&format!("{PREFIX}{}", requests.opened)).ok()?;
        let (sender, answer) = oneshot::channel();
        requests.waiting.insert(topic.clone(), sender);
        Some(Pending { inbox: self.clone(), topic, answer })
    }

    /// Hands over an answer. One that nobody awaits, or awaits no longer, is of no use to
    /// anyone: the requester was told that the time was over.
    pub(super) fn answer(&self, topic: &TopicName, message: impl FnOnce() -> Message) {
        let waiting = self.0.lock().waiting.remove(topic);
        match waiting {
            Some(sender) => drop(sender.send(message())),
            None => tracing::debug!(%topic, "an answer that nobody awaits"),
        }
    }

    pub(super) fn close(&self) {
        let mut requests = self.0.lock();
        requests.closed = true;
        requests.waiting.clear();
    }
}

/// A request that awaits its answer.
#[derive(Debug)]
pub(super) struct Pending {
    inbox: Inbox,
    topic: TopicName,
    answer: oneshot::Receiver<Message>,
}

impl Pending {
    pub(super) fn topic(&self) -> &TopicName {
        &self.topic
    }

    /// What the request is called, if its sender gave it no name.
    pub(super) fn id(&self) -> &str {
        &self.topic.as_str()[PREFIX.len()..]
    }

    /// The answer; `None` when the hub was closed.
    pub(super) async fn answer(&mut self) -> Option<Message> {
        (&mut self.answer).await.ok()
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.inbox.0.lock().waiting.remove(&self.topic);
    }
}
