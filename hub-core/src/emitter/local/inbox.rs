//! Takes replies back to their requesters. Each request waits for its reply on a topic of its own,
//! so no reply can reach another request.

use crate::emitter::Message;
use hub_wire::TopicName;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Holds the requests that have no reply yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Inbox(Arc<Mutex<Requests>>);

#[derive(Debug, Default)]
struct Requests {
    waiting: HashMap<TopicName, oneshot::Sender<Message>>,
    opened: u64,
    closed: bool,
}

impl Inbox {
    /// Returns whether the topic is for the reply to a request.
    pub(super) fn has(topic: &TopicName) -> bool {
        topic.is_inbox()
    }

    /// Registers a request that waits for its reply. Returns `None` if the hub is closed.
    pub(super) fn open(&self) -> Option<PendingReply> {
        let mut requests = self.0.lock();
        if requests.closed {
            return None;
        }
        requests.opened += 1;
        let topic = TopicName::parse(&format!("{}{}", TopicName::INBOX, requests.opened)).ok()?;
        let (sender, answer) = oneshot::channel();
        requests.waiting.insert(topic.clone(), sender);
        Some(PendingReply { inbox: self.clone(), topic, answer })
    }

    /// Hands a reply to its requester. A reply that nobody waits for is dropped, because its
    /// requester has already got a time-out.
    pub(super) fn answer(&self, topic: &TopicName, message: impl FnOnce() -> Message) {
        let waiting = self.0.lock().waiting.remove(topic);
        match waiting {
            Some(sender) => drop(sender.send(message())),
            None => tracing::debug!(%topic, "dropped a reply that nobody waits for"),
        }
    }

    /// Ends the wait of all requests, and takes further ones.
    pub(super) fn forget(&self) {
        self.0.lock().waiting.clear();
    }

    /// Returns whether the hub is closed.
    pub(super) fn is_closed(&self) -> bool {
        self.0.lock().closed
    }

    /// Ends the wait of all requests.
    pub(super) fn close(&self) {
        let mut requests = self.0.lock();
        requests.closed = true;
        requests.waiting.clear();
    }
}

/// Waits for the reply to one request. Dropping it ends the wait.
#[derive(Debug)]
pub(super) struct PendingReply {
    inbox: Inbox,
    topic: TopicName,
    answer: oneshot::Receiver<Message>,
}

impl PendingReply {
    pub(super) fn topic(&self) -> &TopicName {
        &self.topic
    }

    /// Returns the id that the request gets if its sender has set none.
    pub(super) fn id(&self) -> &str {
        &self.topic.as_str()[TopicName::INBOX.len()..]
    }

    /// Waits for the reply. Returns `None` if the hub was closed.
    pub(super) async fn answer(&mut self) -> Option<Message> {
        (&mut self.answer).await.ok()
    }
}

impl Drop for PendingReply {
    fn drop(&mut self) {
        self.inbox.0.lock().waiting.remove(&self.topic);
    }
}
