//! Holds the wait of a publisher for room in a subscriber's queue. The wait ends with the
//! subscriber's grace at the latest. Without it, a fast publisher would overrun every slow
//! subscriber.

use hub_core::topic::SubscriberConnection;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Sleep;

/// Holds the subscriber for whose queue a publisher waits, and the timer of the subscriber's grace.
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

    /// Waits for the subscriber with this connection from now on. If the wait was for another
    /// subscriber before, the grace of the new subscriber begins now.
    pub(super) fn follow(&mut self, connection: Arc<dyn SubscriberConnection>, grace_ms: u64) {
        if connection.number() != self.connection.number() {
            *self = BackpressureWait::new(connection, grace_ms);
        }
    }
}
