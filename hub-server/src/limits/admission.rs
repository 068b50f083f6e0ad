//! Admits connections. Each connection is counted when it is accepted, before the hub does anything else
//! for it. If it were counted later, a crowd of connections could use up the memory and the file
//! descriptors of the hub.

use super::account::{Account, AccountKey, Permit};
use super::memory::MemoryPressure;
use super::{ClientLimits, Limit, system};
use hub_wire::CloseCode;
use std::net::IpAddr;
use std::sync::Arc;

/// This many file descriptors are kept from clients, besides those that are open at the start. The
/// hub needs them for files that it reloads, for the admin API, and for clients that it rejects.
pub(crate) const RESERVE: usize = 64;

/// Decides whether a connection is admitted.
#[derive(Debug)]
pub(crate) struct Admission {
    limits: Arc<ClientLimits>,
    /// There are file descriptors for this many connections.
    enough_for: usize,
    all: Arc<Account>,
}

/// Stands for one connection in the limits. Dropping the permit gives the connection back.
#[derive(Debug)]
pub(crate) struct ConnectionPermit {
    _of_all: Permit,
    _of_address: Option<Permit>,
}

/// States why a connection is not admitted.
#[derive(Debug)]
pub(crate) struct Rejection {
    pub limit: Limit,
    pub code: CloseCode,
    pub why: &'static str,
}

impl Admission {
    /// Raises the system's limit of open files as far as the process may, and logs a warning if
    /// that is not enough for `max_connections`.
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

    /// Admits one more connection, and returns its permit.
    ///
    /// # Errors
    /// The error names the limit that the connection would exceed.
    pub(crate) fn admit(&self, peer: Option<IpAddr>) -> Result<ConnectionPermit, Rejection> {
        // The limit of the address comes first, so that an address over its limit takes nothing
        // from others.
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
