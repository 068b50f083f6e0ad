//! Wakes the publishers that wait for a queue group. Without this waker, they would sleep on although
//! another member than the one they wait for has room.

use crate::sync::Mutex;
use crate::topic::subscriber_connection::SubscriberConnection;
use std::sync::Arc;
use std::task::Wake;

/// Wakes the publishers that wait for a group when the queue of any member drains.
///
/// When all members are full, publishers wait for the queue of one member. The group registers this
/// waker at the queues of all other members. The waker holds the connection for whose queue the
/// publishers wait, and wakes them there.
#[derive(Debug, Default)]
pub(super) struct GroupWaker(pub(super) Mutex<Option<Arc<dyn SubscriberConnection>>>);

impl Wake for GroupWaker {
    fn wake(self: Arc<Self>) {
        let waited_for = self.0.lock().take();
        if let Some(connection) = waited_for {
            connection.queue().wake_waiting();
        }
    }
}
