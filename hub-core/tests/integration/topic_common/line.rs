//! A connection whose socket takes as many bytes as a test allows.

use super::Client;
use hub_core::topic::{DeliveryQueue, Ledger, SubscriberConnection, Written};
use std::io::{self, ErrorKind, IoSlice};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A connection, and the client at its other end.
#[derive(Debug)]
pub(crate) struct Line {
    connection: u64,
    queue: DeliveryQueue,
    socket: Mutex<Socket>,
    pub(crate) flushes: AtomicUsize,
    pub(crate) overflowed: AtomicBool,
    role: Arc<str>,
}

#[derive(Debug, Default)]
struct Socket {
    client: Client,
    /// The socket takes this many more bytes.
    room: usize,
}

impl Line {
    /// Returns a connection with a queue of `limit` bytes, whose socket takes nothing yet.
    pub(crate) fn new(connection: u64, limit: usize, ledger: &Arc<Ledger>) -> Arc<Self> {
        Line::of_role(connection, limit, ledger, "")
    }

    pub(crate) fn of_role(
        connection: u64,
        limit: usize,
        ledger: &Arc<Ledger>,
        role: &str,
    ) -> Arc<Self> {
        Arc::new(Line {
            connection,
            queue: DeliveryQueue::new(limit, ledger.clone()),
            socket: Mutex::default(),
            flushes: AtomicUsize::new(0),
            overflowed: AtomicBool::new(false),
            role: role.into(),
        })
    }

    /// Lets the socket take `bytes` more.
    pub(crate) fn take(&self, bytes: usize) {
        let mut socket = self.socket.lock().unwrap();
        socket.room = socket.room.saturating_add(bytes);
        drop(socket);
        self.flush();
    }

    /// Lets the socket take everything from now on.
    pub(crate) fn take_all(&self) {
        self.take(usize::MAX);
    }

    /// Lets the socket take nothing from now on.
    pub(crate) fn stop(&self) {
        self.socket.lock().unwrap().room = 0;
    }

    /// Breaks the connection: the client reads the next one from its start.
    pub(crate) fn reconnect(&self) {
        *self.socket.lock().unwrap() = Socket::default();
    }

    /// Calls `look` with the client.
    pub(crate) fn client<T>(&self, look: impl FnOnce(&Client) -> T) -> T {
        look(&self.socket.lock().unwrap().client)
    }

    fn write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut socket = self.socket.lock().unwrap();
        if socket.room == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        let mut bytes = slices.iter().flat_map(|slice| slice.iter().copied()).collect::<Vec<_>>();
        bytes.truncate(socket.room);
        if socket.room < usize::MAX {
            socket.room -= bytes.len();
        }
        socket.client.read(&bytes);
        Ok(bytes.len())
    }
}

impl SubscriberConnection for Line {
    fn number(&self) -> u64 {
        self.connection
    }

    fn role(&self) -> Arc<str> {
        self.role.clone()
    }

    fn queue(&self) -> &DeliveryQueue {
        &self.queue
    }

    fn flush(&self) {
        self.flushes.fetch_add(1, Ordering::SeqCst);
        loop {
            let written = self.queue.write_with(|slices| self.write(slices)).unwrap();
            let takes_more = self.socket.lock().unwrap().room > 0;
            if written != Some(Written::Blocked) || !takes_more {
                return;
            }
        }
    }

    fn close_slow_consumer(&self) {
        self.overflowed.store(true, Ordering::SeqCst);
    }
}
