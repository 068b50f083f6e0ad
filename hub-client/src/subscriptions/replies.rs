//! The requests that wait for an answer.
//!
//! Answers of all requests come on one topic; without this, nobody would know whose each is.

use hub_core::emitter::Message;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::oneshot;

/// Who waits for which answer.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    waiting: Mutex<HashMap<String, oneshot::Sender<Message>>>,
    next: AtomicU64,
}

/// A place among those who wait; left when dropped, so a request that is given up leaves nothing.
#[derive(Debug)]
pub(crate) struct Awaited {
    replies: Arc<Replies>,
    pub(crate) id: String,
    pub(crate) answer: oneshot::Receiver<Message>,
}

impl Replies {
    /// Waits for the answer to a request; the id is new unless the request has one.
    pub(crate) fn expect(self: &Arc<Self>, id: Option<&str>, prefix: u32) -> Awaited {
        let id = id.map_or_else(
            || format!("{prefix:08x}-{}", self.next.fetch_add(1, Ordering::Relaxed)),
            str::to_owned,
        );
        let (sender, answer) = oneshot::channel();
        self.waiting.lock().insert(id.clone(), sender);
        Awaited { replies: self.clone(), id, answer }
    }

    /// Hands an answer to the one who waits for it. One that nobody waits for came too late, or
    /// twice, and is dropped.
    pub(crate) fn answer(&self, message: Message) {
        let waiting = message.headers.re().and_then(|re| self.waiting.lock().remove(re));
        match waiting {
            Some(waiting) => drop(waiting.send(message)),
            None => tracing::debug!(seq = message.seq, "an answer that nobody waits for"),
        }
    }

    /// No answer to what was asked until now can arrive any more.
    pub(crate) fn give_up(&self) {
        self.waiting.lock().clear();
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        // If the same id was used again meanwhile, that one gives up too; ids are the caller's then.
        self.replies.waiting.lock().remove(&self.id);
    }
}
