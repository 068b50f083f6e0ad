//! The wait of a publisher for room in a subscriber's queue, bounded by the subscriber's grace. Without it, a
//! fast publisher would overrun every slow subscriber.

use hub_core::topic::SubscriberConnection;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Sleep;

/// The wait of a publisher until a subscriber's queue has room.
#[derive(Debug)]
pub(super) struct BackpressureWait {
    pub(super) connection: Arc<dyn SubscriberConnection>,
    pub(super) grace: Pin<Box<Sleep>>,
}

impl BackpressureWait {
    pub(super) fn new(connection: Arc<dyn SubscriberConnection>, grace_ms: u64) -> Self {
        let grace = Box::pin(tokio::time::sleep(Duration::from_millis(grace_ms)));
        BackpressureWait { connection, grace }
    }

    /// Waits for this subscriber from now on. If it is another one than before, its grace begins
    /// now.
    pub(super) fn follow(&mut self, connection: Arc<dyn SubscriberConnection>, grace_ms: u64) {
        if connection.number() != self.connection.number() {
            *self = BackpressureWait::new(connection, grace_ms);
        }
    }
}
