//! Holds the way out of a connection: its queue and its socket. Publishers on any thread append to
//! the queue and flush it, so that an event does not wait for the thread of each subscriber.

use crate::net::socket::Socket;
use crate::policy::access::Identity;
use futures_util::task::AtomicWaker;
use hub_core::topic::{DeliveryQueue, SubscriberConnection, Written};
use hub_wire::TopicName;
use parking_lot::{Mutex, RwLock};
use prometheus::IntCounter;
use std::io::IoSlice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Holds the queue and the socket of a connection. Bytes that the socket does not take wait until
/// the session can write them.
///
/// When the connection breaks, the output of kept subscriptions loses its socket, and gets the socket
/// of the client's next connection. The topics notice nothing.
#[derive(Debug)]
pub(crate) struct ConnectionOutput {
    connection: u64,
    queue: DeliveryQueue,
    /// A flush holds this lock to its end. So after [`ConnectionOutput::part`], no thread writes to
    /// the old socket or reports its failure.
    socket: RwLock<Option<Arc<Socket>>>,
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
    /// The client that reads here has this identity.
    reader: Mutex<Option<Identity>>,
}

impl ConnectionOutput {
    pub(crate) fn new(
        connection: u64,
        socket: Arc<Socket>,
        queue: DeliveryQueue,
        sent_bytes: IntCounter,
    ) -> Self {
        ConnectionOutput {
            connection,
            queue,
            socket: RwLock::new(Some(socket)),
            blocked: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            overflowed: AtomicBool::new(false),
            session: AtomicWaker::new(),
            sent_bytes,
            role: Mutex::default(),
            reader: Mutex::default(),
        }
    }
}

impl ConnectionOutput {
    /// Parts from the connection, and keeps the subscriptions for which `keeps` returns true. Returns
    /// an output for the rest of the connection: it writes what was about to be written. Returns
    /// `None`, and changes nothing, if the queue is closed.
    pub(crate) fn part(&self, connection: u64, keeps: impl Fn(u64) -> bool) -> Option<Self> {
        let rest = self.queue.part(keeps)?;
        // This waits for a flush under way, which finds nothing to write any more.
        let socket = self.socket.write().take()?;
        let rest = ConnectionOutput::new(connection, socket, rest, self.sent_bytes.clone());
        *rest.role.lock() = self.role();
        *rest.reader.lock() = self.reader.lock().clone();
        for (here, there) in [(&self.blocked, &rest.blocked), (&self.broken, &rest.broken)] {
            there.store(here.swap(false, Ordering::AcqRel), Ordering::Release);
        }
        self.hand_waker_to(&rest);
        Some(rest)
    }

    /// Continues on this socket, for the session that `from` has woken so far.
    pub(crate) fn attach(&self, socket: Arc<Socket>, from: &Self) {
        *self.socket.write() = Some(socket);
        from.hand_waker_to(self);
    }

    /// Has the session of this output be woken by `other` from now on.
    fn hand_waker_to(&self, other: &Self) {
        if let Some(waker) = self.session.take() {
            other.session.register(&waker);
        }
    }

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

    /// Sets the identity that reads here from now on, and the [`viewer`](crate::policy::rules::viewer)
    /// that decides in which view it gets its events.
    pub(crate) fn set_reader(&self, identity: &Identity, viewer: &str) {
        *self.reader.lock() = Some(identity.clone());
        *self.role.lock() = viewer.into();
    }

    /// Returns whether the identity that reads here may read a topic.
    pub(crate) fn may_read(&self, topic: &TopicName) -> bool {
        self.reader.lock().as_ref().is_some_and(|identity| identity.rights().may_read(topic))
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
        let socket = self.socket.read();
        let Some(socket) = &*socket else {
            return self.queue.forget_flush(); // Nothing is sent before the client is back.
        };
        if self.blocked.load(Ordering::Acquire) {
            return; // The session flushes when the socket takes more.
        }
        match socket.flush() {
            Ok(true) => {}
            Ok(false) => return self.wait_for_socket(),
            Err(_) => return self.fail(),
        }
        let write = |slices: &[IoSlice<'_>]| {
            let written = socket.write_vectored(slices)?;
            self.sent_bytes.inc_by(written as u64);
            Ok(written)
        };
        match self.queue.write_with(write) {
            Ok(Some(Written::Blocked)) => self.wait_for_socket(),
            Ok(_) if socket.has_unsent() => self.wait_for_socket(),
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
