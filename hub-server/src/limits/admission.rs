//! Admission: each connection is counted when it is accepted, before anything is done for it. Counted
//! later, a crowd of connections could cost the hub its memory and its file descriptors.

use super::account::{Account, AccountKey, Permit};
use super::memory::MemoryPressure;
use super::{ClientLimits, Limit, system};
use hub_wire::CloseCode;
use std::net::IpAddr;
use std::sync::Arc;

/// File descriptors that no client gets, beside those that are open at the start: for files that
/// are read again, the admin API, and clients that are turned away.
pub(crate) const RESERVE: usize = 64;

/// Counts the connections.
#[derive(Debug)]
pub(crate) struct Admission {
    limits: Arc<ClientLimits>,
    /// For how many there are file descriptors.
    enough_for: usize,
    all: Arc<Account>,
}

/// The permit of one connection. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct ConnectionPermit {
    _of_all: Permit,
    _of_address: Option<Permit>,
}

/// Why a connection is not let in.
#[derive(Debug)]
pub(crate) struct Rejection {
    pub limit: Limit,
    pub code: CloseCode,
    pub why: &'static str,
}

impl Admission {
    /// Has the system allow as many open files as it does, and says so if these are not enough.
    pub(crate) fn new(limits: Arc<ClientLimits>) -> Self {
        let mut enough_for = usize::MAX;
        if let Some(files) = system::raise_open_files() {
            enough_for = files.limit.saturating_sub(files.open + RESERVE).max(1);
            let max_connections = limits.in_force.current().max_connections;
            if enough_for < max_connections {
                tracing::warn!(
                    max_connections,
                    open_files = files.limit,
                    connections = enough_for,
                    "the system's limit of open files allows fewer connections than max_connections"
                );
            }
        }
        Admission { limits, enough_for, all: Arc::default() }
    }

    /// A permit for one more connection, if it is not one too many.
    ///
    /// # Errors
    /// The limit that it would exceed.
    pub(crate) fn admit(&self, peer: Option<IpAddr>) -> Result<ConnectionPermit, Rejection> {
        // The address first: it is not to take from others what it cannot have.
        let limits = self.limits.in_force.current();
        let per_address = limits.max_connections_per_address;
        let mut of_address = None;
        if let Some(peer) = peer.filter(|_| per_address > 0) {
            let account = self.limits.accounts.of(AccountKey::at(peer));
            of_address = Permit::connection(&account, per_address);
            if of_address.is_none() {
                return Err(Rejection {
                    limit: Limit::ConnectionsPerAddress,
                    code: CloseCode::TooManyConnections,
                    why: "this address has as many connections as it may have",
                });
            }
        }
        let overloaded = |limit, why| Rejection { limit, code: CloseCode::Overloaded, why };
        let most = limits.max_connections.min(self.enough_for);
        let Some(of_all) = Permit::connection(&self.all, most) else {
            let why = "the hub has as many connections as it may have";
            let limit = match most < limits.max_connections {
                true => Limit::FileDescriptors,
                false => Limit::Connections,
            };
            return Err(overloaded(limit, why));
        };
        if self.limits.memory.pressure() == MemoryPressure::Refuse {
            return Err(overloaded(Limit::Memory, "the hub is short of memory"));
        }
        Ok(ConnectionPermit { _of_all: of_all, _of_address: of_address })
    }
}
