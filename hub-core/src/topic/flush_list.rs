//! Lists the connections that got entries and have to be flushed.
//!
//! A publisher flushes after it has published everything that it has, so that one write carries
//! many events. Until then, other publishers rely on it and do not flush these connections
//! themselves. So a connection that is missing in the list gets its events only with later ones, or
//! never.

use super::subscriber_connection::SubscriberConnection;
use std::collections::VecDeque;
use std::sync::Arc;

/// Holds the connections that got entries from one publisher. The publisher has promised to flush
/// them.
///
/// The publisher keeps its promise with a call of [`FlushList::flush`] or [`FlushList::flush_some`].
/// Only when a panic prevents that call, the connections are flushed as the list is dropped.
#[derive(Debug, Default)]
#[must_use = "a connection that is not flushed gets its events only with the next ones"]
pub struct FlushList {
    connections: VecDeque<Arc<dyn SubscriberConnection>>,
    /// Runs were appended to queues so many times since this was last read.
    deliveries: usize,
}

impl FlushList {
    /// Returns an empty list.
    pub const fn new() -> Self {
        FlushList { connections: VecDeque::new(), deliveries: 0 }
    }

    /// Returns how many connections have to be flushed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.connections.len()
    }

    /// Returns whether no connection has to be flushed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// Returns how many times a run was appended to a queue since the last call.
    pub fn take_deliveries(&mut self) -> usize {
        std::mem::take(&mut self.deliveries)
    }

    /// Adds a connection that got an entry, unless another list has promised to flush the
    /// connection.
    pub(super) fn add(&mut self, connection: &Arc<dyn SubscriberConnection>) {
        self.deliveries += 1;
        if connection.queue().claim_flush() {
            self.connections.push_back(connection.clone());
        }
    }

    /// Flushes all connections. A flush writes the waiting bytes as far as the socket takes them,
    /// without waiting.
    pub fn flush(mut self) {
        self.flush_some(usize::MAX);
    }

    /// Flushes at most `most` connections from the front of the list. The other connections stay in the
    /// list.
    pub fn flush_some(&mut self, most: usize) {
        for _ in 0..most {
            // A connection leaves the list before it is flushed. So if its flush panics, the other
            // connections are still in the list.
            let Some(connection) = self.connections.pop_front() else { return };
            connection.flush();
        }
    }
}

impl Drop for FlushList {
    fn drop(&mut self) {
        debug_assert!(
            self.is_empty() || std::thread::panicking(),
            "{} connections are not flushed",
            self.len()
        );
        self.flush_some(usize::MAX);
    }
}
