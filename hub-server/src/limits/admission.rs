//! Admits connections. Each connection is counted when it is accepted, before the hub does anything else
//! for it. If it were counted later, a crowd of connections could use up the memory and the file
//! descriptors of the hub.

use super::account::{Account, AccountKey, Permit};
use super::sockets::{RETURNING, SocketBudget};
use super::{ClientLimits, Limit};
use hub_wire::CloseCode;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// A connection above a limit has at most this long for its HELLO.
const PATIENCE_ABOVE_A_LIMIT: Duration = Duration::from_secs(1);

/// Decides whether a connection is admitted.
#[derive(Debug)]
pub(crate) struct Admission {
    limits: Arc<ClientLimits>,
    /// Connections of HTTP take their file descriptors from here, too.
    sockets: SocketBudget,
    all: Arc<Account>,
    /// Counts the connections above a limit that may be those of returning clients. Their file
    /// descriptors come out of the reserve.
    returning: Arc<Account>,
}

/// Stands for one connection in the limits. Dropping the permit gives the connection back.
#[derive(Debug, Default)]
pub(crate) struct ConnectionPermit {
    socket: Option<Permit>,
    of_all: Option<Permit>,
    of_address: Option<Permit>,
    /// The connection also counts for its identity, once the identity is known.
    pub of_identity: Option<Permit>,
    /// The connection is above a limit. It may stay only if it takes the place of an older connection.
    over: Option<OverLimit>,
}

/// Describes a connection that is above a limit.
#[derive(Debug)]
struct OverLimit {
    rejection: Rejection,
    sockets: SocketBudget,
    all: (Arc<Account>, usize),
    address: Option<(Arc<Account>, usize)>,
    /// The connection counts as one that may be returning, until it has ended.
    _returning: Permit,
}

impl ConnectionPermit {
    /// Returns why the connection may not stay, unless it takes the place of an older connection.
    pub(crate) fn rejection(&self) -> Option<&Rejection> {
        self.over.as_ref().map(|over| &over.rejection)
    }

    /// Returns how long the connection may take for its TLS handshake and for its HELLO, where `usual`
    /// is the time of other connections. The few places above a limit are soon free again.
    pub(crate) fn patience(&self, usual: Duration) -> Duration {
        if self.over.is_some() { usual.min(PATIENCE_ABOVE_A_LIMIT) } else { usual }
    }

    /// Takes the places of an older connection of the same client, which ends. The older connection
    /// still has its socket until then, so it counts as returning instead.
    pub(crate) fn take_place_of(&mut self, older: &mut ConnectionPermit) {
        if let Some(place) = older.of_identity.take() {
            self.of_identity = Some(place);
        }
        let Some(over) = &self.over else { return };
        if let Some((account, _)) = &over.address
            && self.of_address.is_none()
        {
            // The client may have come back from another address.
            if !older.of_address.as_ref().is_some_and(|place| place.is_of(account)) {
                return;
            }
            self.of_address = older.of_address.take();
        }
        if self.of_all.is_none() {
            self.of_all = older.of_all.take();
        }
        if self.socket.is_none() {
            self.socket = older.socket.take();
        }
        if self.is_complete() {
            older.over = self.over.take();
        }
    }

    /// Takes the places that have become free since the connection was accepted.
    pub(crate) fn take_free_places(&mut self) {
        let Some(over) = &self.over else { return };
        if let (Some((account, limit)), None) = (&over.address, &self.of_address) {
            self.of_address = Permit::connection(account, *limit);
        }
        if self.of_all.is_none() && (over.address.is_none() || self.of_address.is_some()) {
            self.of_all = Permit::connection(&over.all.0, over.all.1);
        }
        if self.socket.is_none() && self.of_all.is_some() {
            self.socket = over.sockets.take();
        }
        if self.is_complete() {
            self.over = None;
        }
    }

    /// Returns whether the connection has all its places.
    fn is_complete(&self) -> bool {
        let of_address = self.over.as_ref().and_then(|over| over.address.as_ref());
        let of_all = self.of_all.is_some() && self.socket.is_some();
        of_all && (of_address.is_none() || self.of_address.is_some())
    }
}

/// States why a connection is not admitted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rejection {
    pub limit: Limit,
    pub code: CloseCode,
    pub why: &'static str,
}

impl Admission {
    pub(crate) fn new(limits: Arc<ClientLimits>, sockets: SocketBudget) -> Self {
        Admission { limits, sockets, all: Arc::default(), returning: Arc::default() }
    }

    /// Admits one more connection, and returns its permit. A few connections above a limit are admitted
    /// until their HELLO shows whether they take the place of an older connection.
    ///
    /// # Errors
    /// The error names the limit that the connection would exceed.
    pub(crate) fn admit(&self, peer: Option<IpAddr>) -> Result<ConnectionPermit, Rejection> {
        // The limit of the address comes first, so that an address over its limit takes nothing
        // from others.
        let limits = self.limits.in_force.current();
        let per_address = limits.max_connections_per_address;
        let mut permit = ConnectionPermit::default();
        let mut rejection = None;
        let mut address = None;
        if let Some(peer) = peer.filter(|_| per_address > 0) {
            let account = self.limits.accounts.of(AccountKey::at(peer));
            permit.of_address = Permit::connection(&account, per_address);
            if permit.of_address.is_none() {
                rejection = Some(Rejection {
                    limit: Limit::ConnectionsPerAddress,
                    code: CloseCode::TooManyConnections,
                    why: "this address has as many connections as it may have",
                });
            }
            address = Some((account, per_address));
        }
        let overloaded = |limit, why| Rejection { limit, code: CloseCode::Overloaded, why };
        let most = limits.max_connections;
        let why = "the hub has as many connections as it may have";
        if rejection.is_none() {
            permit.of_all = Permit::connection(&self.all, most);
            if permit.of_all.is_none() {
                rejection = Some(overloaded(Limit::Connections, why));
            }
        }
        if rejection.is_none() {
            permit.socket = self.sockets.take();
            if permit.socket.is_none() {
                rejection = Some(overloaded(Limit::FileDescriptors, why));
            }
        }
        let memory = &self.limits.memory;
        let owner = || peer.map(|peer| self.limits.accounts.of(AccountKey::at(peer)));
        if !memory.is_calm() && memory.is_closed_to(owner().as_ref().map(|owner| &*owner.memory)) {
            return Err(overloaded(Limit::Memory, "the hub is short of memory"));
        }
        if let Some(rejection) = rejection {
            // One address must not take all of the few places for returning clients.
            let most_returning = match rejection.limit {
                Limit::ConnectionsPerAddress => RETURNING / 2,
                _ => RETURNING,
            };
            let Some(place) = Permit::connection(&self.returning, most_returning) else {
                return Err(rejection);
            };
            let (sockets, all) = (self.sockets.clone(), (self.all.clone(), most));
            permit.over = Some(OverLimit { rejection, sockets, all, address, _returning: place });
        }
        Ok(permit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: &str = "192.0.2.1";

    fn admission(all: usize, per_address: usize) -> Admission {
        admission_of(all, per_address, SocketBudget::of(usize::MAX))
    }

    fn admission_of(all: usize, per_address: usize, sockets: SocketBudget) -> Admission {
        let config = crate::config::Config {
            max_connections: all,
            max_connections_per_address: per_address,
            ..Default::default()
        };
        let limits = ClientLimits::new(&config, Arc::default());
        Admission::new(Arc::new(limits), sockets)
    }

    fn from(admission: &Admission, address: &str) -> ConnectionPermit {
        admission.admit(Some(address.parse().unwrap())).unwrap()
    }

    #[test]
    fn a_returning_connection_takes_the_places_of_the_older_one() {
        for (all, per_address) in [(1, 0), (9, 1), (1, 1)] {
            let admission = admission(all, per_address);
            let mut older = from(&admission, ADDRESS);
            assert!(older.rejection().is_none());
            let mut newer = from(&admission, ADDRESS);
            assert!(newer.rejection().is_some());
            newer.take_place_of(&mut older);
            assert!(newer.rejection().is_none(), "{all}, {per_address}");
            drop(older);
            assert!(from(&admission, ADDRESS).rejection().is_some(), "there is no place more");
            drop(newer);
            assert!(from(&admission, ADDRESS).rejection().is_none(), "each place is free again");
        }
    }

    #[test]
    fn clients_and_http_take_their_file_descriptors_from_one_budget() {
        let sockets = SocketBudget::of(3);
        let admission = admission_of(9, 0, sockets.clone());
        let of_http = sockets.take().unwrap();
        let mut inside: Vec<_> = (0..2).map(|_| from(&admission, ADDRESS)).collect();
        let mut newer = from(&admission, ADDRESS);
        let over = newer.rejection().map(|over| over.limit);
        assert_eq!(over, Some(Limit::FileDescriptors));
        newer.take_place_of(&mut inside[0]);
        assert!(newer.rejection().is_none());
        assert!(sockets.take().is_none(), "each of them has a socket");
        let mut another = from(&admission, ADDRESS);
        drop(of_http);
        another.take_free_places();
        assert!(another.rejection().is_none());
        drop((newer, another, inside));
        let free: Vec<_> = (0..4).map_while(|_| sockets.take()).collect();
        assert_eq!(free.len(), 3, "each file descriptor is free again");
    }

    #[test]
    fn a_place_at_another_address_is_no_place_at_this_one() {
        let admission = admission(9, 1);
        let mut older = from(&admission, "192.0.2.2");
        let _taken = from(&admission, ADDRESS);
        let mut newer = from(&admission, ADDRESS);
        newer.take_place_of(&mut older);
        assert!(newer.rejection().is_some());
    }

    #[test]
    fn few_connections_above_a_limit_may_be_returning() {
        let admission = admission(1, 0);
        let inside = from(&admission, ADDRESS);
        let mut waiting: Vec<_> = (0..RETURNING).map(|_| from(&admission, ADDRESS)).collect();
        assert!(admission.admit(None).is_err());
        drop(inside);
        let one = &mut waiting[0];
        one.take_free_places();
        assert!(one.rejection().is_none(), "a place has become free");
        waiting[1].take_free_places();
        assert!(waiting[1].rejection().is_some());
    }
}
