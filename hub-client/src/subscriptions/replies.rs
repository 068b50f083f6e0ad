//! Keeps the requests that wait for a reply.
//!
//! The replies to all requests arrive on one topic. Without this module, no reply could be matched
//! to its request.

use hub_core::emitter::Message;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::oneshot;

/// Holds the waiting requests by their ids.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    waiting: Mutex<HashMap<String, oneshot::Sender<Message>>>,
    next: AtomicU64,
}

/// Stands for a request that waits. Dropping it ends the wait, so a request that is given up leaves
/// nothing behind.
#[derive(Debug)]
pub(crate) struct Awaited {
    replies: Arc<Replies>,
    pub(crate) id: String,
    pub(crate) answer: oneshot::Receiver<Message>,
}

impl Replies {
    /// Registers a request that waits for its reply. The request gets a new id, unless it has an
    /// id.
    pub(crate) fn expect(self: &Arc<Self>, id: Option<&str>, prefix: u32) -> Awaited {
        let id = id.map_or_else(
            || format!("{prefix:08x}-{}", self.next.fetch_add(1, Ordering::Relaxed)),
            str::to_owned,
        );
        let (sender, answer) = oneshot::channel();
        self.waiting.lock().insert(id.clone(), sender);
        Awaited { replies: self.clone(), id, answer }
    }

    /// Hands a reply to its request. A reply that no request waits for came too late or twice, and
    /// is dropped.
    pub(crate) fn answer(&self, message: Message) {
        let waiting = message.headers.re().and_then(|re| self.waiting.lock().remove(re));
        match waiting {
            Some(waiting) => drop(waiting.send(message)),
            None => tracing::debug!(seq = message.seq, "dropped a reply that nobody waits for"),
        }
    }

    /// Ends the wait of all requests, because no reply can arrive any more.
    pub(crate) fn give_up(&self) {
        self.waiting.lock().clear();
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        // If another request has used this id meanwhile, that request is given up as well. A caller
        // that sets ids is responsible for them.
        self.replies.waiting.lock().remove(&self.id);
    }
}
