//! Who is let in: each connection is counted when it is accepted, before anything is done for it.
//!
//! Whoever is sent away holds no place, and is told why for a moment only. Otherwise those who are
//! sent away and stay would keep others out.

use super::Limit;
use super::account::{Account, Owner, Seat};
use super::memory::Pressure;
use super::system;
use crate::hub::Hub;
use hub_wire::{Close, CloseCode, Frame};
use std::io::{self, Write};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// File descriptors that no client gets, beside those that are open at the start: for files that
/// are read again, the admin API, and those who are sent away.
const RESERVE: usize = 64;
/// For how long, and for how many bytes, a client that is sent away is still listened to, so that
/// the end of the connection does not overtake the reason,
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 64 * 1024;
/// and for how many of them at once.
const LINGERERS: usize = RESERVE / 2;

/// Counts the connections.
#[derive(Debug)]
pub(crate) struct Door {
    hub: Arc<Hub>,
    /// For how many there are file descriptors.
    enough_for: usize,
    all: Arc<Account>,
    leaving: Arc<Account>,
}

/// A connection's place; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _of_all: Seat,
    _of_address: Option<Seat>,
}

/// Why a connection is not let in.
#[derive(Debug)]
pub(crate) struct TurnedAway {
    limit: Limit,
    code: CloseCode,
    why: &'static str,
}

impl Door {
    /// Has the system allow as many open files as it does, and says so if these are not enough.
    pub(crate) fn new(hub: Arc<Hub>) -> Self {
        let mut enough_for = usize::MAX;
        if let Some(files) = system::raise_open_files() {
            enough_for = files.limit.saturating_sub(files.open + RESERVE).max(1);
            let max_connections = hub.limits_in_force.current().max_connections;
            if enough_for < max_connections {
                tracing::warn!(
                    max_connections,
                    open_files = files.limit,
                    connections = enough_for,
                    "the system's limit of open files allows fewer connections than max_connections"
                );
            }
        }
        Door { hub, enough_for, all: Arc::default(), leaving: Arc::default() }
    }

    /// A place for one more connection, if it is not too many.
    pub(crate) fn enter(&self, peer: Option<IpAddr>) -> Result<Place, TurnedAway> {
        // The address first: it is not to take from others what it cannot have.
        let limits = self.hub.limits_in_force.current();
        let per_address = limits.max_connections_per_address;
        let mut of_address = None;
        if let Some(peer) = peer.filter(|_| per_address > 0) {
            let account = self.hub.accounts.of(Owner::at(peer));
            of_address = Seat::connection(&account, per_address);
            if of_address.is_none() {
                return Err(TurnedAway {
                    limit: Limit::ConnectionsPerAddress,
                    code: CloseCode::TooManyConnections,
                    why: "this address has as many connections as it may have",
                });
            }
        }
        let overloaded = |limit, why| TurnedAway { limit, code: CloseCode::Overloaded, why };
        let most = limits.max_connections.min(self.enough_for);
        let Some(of_all) = Seat::connection(&self.all, most) else {
            let why = "the hub has as many connections as it may have";
            let limit = match most < limits.max_connections {
                true => Limit::FileDescriptors,
                false => Limit::Connections,
            };
            return Err(overloaded(limit, why));
        };
        if self.hub.memory.pressure() == Pressure::Refuse {
            return Err(overloaded(Limit::Memory, "the hub is short of memory"));
        }
        Ok(Place { _of_all: of_all, _of_address: of_address })
    }

    /// Tells a client why it is not let in, if it could read that, and ends the connection.
    pub(crate) fn turn_away(&self, socket: TcpStream, why: &TurnedAway) {
        let metrics = &self.hub.metrics;
        metrics.limited(why.limit);
        if self.hub.tls.current().is_some() {
            // There is no way to tell it before it is known to speak TLS.
            metrics.tls.failed.with_label_values(&["overloaded"]).inc();
            return;
        }
        metrics.connections_total.inc();
        metrics.closed.with_label_values(&[why.code.name()]).inc();
        let retry_after_ms = Some(self.hub.config.retry_after_ms);
        let close = Close { code: why.code, reason: why.why.to_owned(), retry_after_ms };
        let frame = Frame::Close(close).to_bytes();
        match Seat::connection(&self.leaving, LINGERERS) {
            Some(seat) => {
                actix_rt::spawn(async move {
                    // Whoever does not listen is not told.
                    let _ = timeout(LINGER, say(socket, &frame)).await;
                    drop(seat);
                });
            }
            // The reason arrives, unless the client has sent something already.
            None => {
                let _ = socket.into_std().and_then(|mut socket| socket.write_all(&frame));
            }
        }
    }
}

async fn say(mut socket: TcpStream, frame: &[u8]) -> io::Result<()> {
    socket.write_all(frame).await?;
    socket.shutdown().await?;
    let mut unread = [0; 1024];
    let mut left = LINGER_BYTES;
    while left > 0 {
        match socket.read(&mut unread).await? {
            0 => break,
            read => left = left.saturating_sub(read),
        }
    }
    Ok(())
}
