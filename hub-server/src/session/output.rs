//! Holds the way out of a connection: its queue and its socket. Publishers on any thread append to
//! the queue and flush it, so that an event does not wait for the thread of each subscriber.

use crate::net::socket::Socket;
use futures_util::task::AtomicWaker;
use hub_core::topic::{DeliveryQueue, Ledger, SubscriberConnection, Written};
use parking_lot::Mutex;
use prometheus::IntCounter;
use std::io::IoSlice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Holds the queue and the socket of a connection. Bytes that the socket does not take wait until
/// the session can write them.
#[derive(Debug)]
pub(crate) struct ConnectionOutput {
    connection: u64,
    queue: DeliveryQueue,
    pub socket: Socket,
    /// The flag is true while the socket takes no more. The session waits until the socket takes
    /// more.
    pub blocked: AtomicBool,
    /// The flag is true once writing has failed. The session ends then.
    pub broken: AtomicBool,
    /// The flag is true once the queue had no room for a subscription with the policy `disconnect`.
    /// The session then closes the connection.
    pub overflowed: AtomicBool,
    pub session: AtomicWaker,
    sent_bytes: IntCounter,
    role: Mutex<Arc<str>>,
}

impl ConnectionOutput {
    pub(crate) fn new(
        connection: u64,
        socket: Socket,
        limit: usize,
        ledger: Arc<Ledger>,
        sent_bytes: IntCounter,
    ) -> Self {
        ConnectionOutput {
            connection,
            queue: DeliveryQueue::new(limit, ledger),
            socket,
            blocked: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            overflowed: AtomicBool::new(false),
            session: AtomicWaker::new(),
            sent_bytes,
            role: Mutex::default(),
        }
    }
}

impl ConnectionOutput {
    /// Makes the session flush when the socket takes more.
    pub(crate) fn wait_for_socket(&self) {
        self.blocked.store(true, Ordering::Release);
        self.session.wake();
    }

    /// Makes the session end because writing has failed.
    fn fail(&self) {
        self.broken.store(true, Ordering::Release);
        self.session.wake();
    }

    /// Sets the [`viewer`](crate::policy::rules::viewer) that decides in which view the client gets
    /// its events from now on.
    pub(crate) fn set_viewer(&self, viewer: &str) {
        *self.role.lock() = viewer.into();
    }
}

impl SubscriberConnection for ConnectionOutput {
    fn role(&self) -> Arc<str> {
        self.role.lock().clone()
    }

    fn number(&self) -> u64 {
        self.connection
    }

    fn queue(&self) -> &DeliveryQueue {
        &self.queue
    }

    fn flush(&self) {
        if self.blocked.load(Ordering::Acquire) {
            return; // The session flushes when the socket takes more.
        }
        match self.socket.flush() {
            Ok(true) => {}
            Ok(false) => return self.wait_for_socket(),
            Err(_) => return self.fail(),
        }
        let write = |slices: &[IoSlice<'_>]| {
            let written = self.socket.write_vectored(slices)?;
            self.sent_bytes.inc_by(written as u64);
            Ok(written)
        };
        match self.queue.write_with(write) {
            Ok(Some(Written::Blocked)) => self.wait_for_socket(),
            Ok(_) if self.socket.has_unsent() => self.wait_for_socket(),
            Ok(_) => {}
            Err(_) => self.fail(),
        }
    }

    fn close_slow_consumer(&self) {
        if !self.overflowed.swap(true, Ordering::AcqRel) {
            self.session.wake();
        }
    }
}
