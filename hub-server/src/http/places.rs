//! Gives each connection of HTTP a place. When there is no place for a new connection, another one gives
//! way, so whoever holds connections open keeps nobody from an answer.
//!
//! The connection that gives way is one of the address with the most connections, so connections from
//! one address take no place from other addresses. Of these, it is one that has not asked for anything
//! yet, or otherwise the one that asked longest ago. A probe, a scraper or an administrator sends its
//! request at once, and asks while it is connected, so it is not the first to give way.

use crate::limits::account::{AccountKey, Permit};
use crate::limits::sockets::{HTTP, SocketBudget};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::oneshot;

/// There are at most this many connections at a time.
pub(super) const MAX_CONNECTIONS: usize = 256;

/// Holds the places of all connections.
#[derive(Debug)]
pub(super) struct Places {
    sockets: SocketBudget,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    /// The keys are numbers, and later connections have higher numbers.
    connections: BTreeMap<u64, Connection>,
    next_number: u64,
    /// Counts the requests of all connections, so that two requests can be compared by their age.
    requests: u64,
}

#[derive(Debug)]
struct Connection {
    address: AccountKey,
    /// The connection has its file descriptor from the budget. `None` means that the file descriptor
    /// comes out of the reserve.
    socket: Option<Permit>,
    /// The last request of the connection has this number, and 0 means that there was none.
    last_request: u64,
    give_way: oneshot::Sender<()>,
}

/// Stands for the place of one connection. The connection has to end when `give_way` resolves. Dropping
/// the place gives it back.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    number: u64,
}

/// States what a new connection got.
pub(super) struct Admitted {
    pub(super) place: Place,
    /// The connection has to end when this receiver resolves.
    pub(super) give_way: oneshot::Receiver<()>,
    /// The flag is true if another connection was told to end.
    pub(super) replaced_another: bool,
}

impl Places {
    pub(super) fn new(sockets: SocketBudget) -> Arc<Self> {
        Arc::new(Places { sockets, taken: Mutex::default() })
    }

    /// Gives a connection from this address a place. If there is none, tells another connection to
    /// end.
    pub(super) fn admit(self: &Arc<Self>, from: IpAddr) -> Admitted {
        let address = AccountKey::at(from);
        let (tell, give_way) = oneshot::channel();
        let mut taken = self.taken.lock();
        let has_room = taken.connections.len() < MAX_CONNECTIONS;
        let mut socket = has_room.then(|| self.sockets.take()).flatten();
        let has_room = has_room && (socket.is_some() || taken.in_reserve() < HTTP);
        let mut replaced_another = false;
        if !has_room && let Some(other) = taken.first_to_give_way(&address) {
            // The new connection takes over how the other one was counted.
            socket = other.socket;
            replaced_another = other.give_way.send(()).is_ok();
        }
        let number = taken.next_number;
        taken.next_number += 1;
        let connection = Connection { address, socket, last_request: 0, give_way: tell };
        taken.connections.insert(number, connection);
        Admitted { place: Place { places: self.clone(), number }, give_way, replaced_another }
    }
}

impl Taken {
    /// Returns how many connections have their file descriptor out of the reserve.
    fn in_reserve(&self) -> usize {
        self.connections.values().filter(|connection| connection.socket.is_none()).count()
    }

    /// Removes the connection that gives way to a new one from `address`.
    fn first_to_give_way(&mut self, address: &AccountKey) -> Option<Connection> {
        let mut counts: HashMap<&AccountKey, usize> = HashMap::from([(address, 1)]);
        for connection in self.connections.values() {
            *counts.entry(&connection.address).or_default() += 1;
        }
        let first = self.connections.iter().max_by_key(|(number, connection)| {
            let of_address = counts.get(&connection.address).copied().unwrap_or_default();
            (of_address, u64::MAX - connection.last_request, u64::MAX - **number)
        });
        let number = *first?.0;
        self.connections.remove(&number)
    }
}

impl Place {
    /// Notes that the client has sent the head of a request.
    pub(super) fn asked(&self) {
        let mut taken = self.places.taken.lock();
        taken.requests += 1;
        let now = taken.requests;
        if let Some(connection) = taken.connections.get_mut(&self.number) {
            connection.last_request = now;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken.lock().connections.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn address(number: u8) -> IpAddr {
        [192, 0, 2, number].into()
    }

    fn has_to_end(admitted: &mut Admitted) -> bool {
        admitted.give_way.try_recv().is_ok()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        /// Strangers from few addresses, in any order, with any requests: no connection of an address
        /// that has fewer ends, and a connection that has asked outlives those that have not.
        #[test]
        fn strangers_take_no_place_from_an_address_with_fewer_connections(
            strangers in proptest::collection::vec((0..5_u8, any::<bool>()), 600),
            enough_for in prop_oneof![Just(1_usize), Just(100), Just(usize::MAX)],
        ) {
            let places = Places::new(SocketBudget::of(enough_for));
            let mut friends: Vec<_> = (100..103).map(|n| places.admit(address(n))).collect();
            friends.iter().for_each(|friend| friend.place.asked());
            let mut held = Vec::new();
            for (stranger, asks) in strangers {
                let admitted = places.admit(address(stranger));
                if asks {
                    admitted.place.asked();
                }
                held.push((asks, admitted));
                let most = MAX_CONNECTIONS.min(enough_for.saturating_add(HTTP));
                prop_assert!(places.taken.lock().connections.len() <= most);
                prop_assert!(places.taken.lock().in_reserve() <= HTTP);
            }
            prop_assert!(!friends.iter_mut().any(has_to_end));
            let probe = places.admit(address(100));
            prop_assert!(probe.replaced_another, "the table is full");
            prop_assert!(!friends.iter_mut().any(has_to_end));
            let ended = held.iter_mut().map(|(_, admitted)| has_to_end(admitted));
            let left = ended.filter(|ended| !ended).count();
            drop((held, friends, probe));
            prop_assert!(left > 0 && places.taken.lock().connections.is_empty());
            prop_assert_eq!(places.sockets.take().is_some(), true);
        }
    }

    #[test]
    fn of_one_address_the_connection_that_never_asked_gives_way_first() {
        let places = Places::new(SocketBudget::of(usize::MAX));
        let mut all: Vec<_> = (0..MAX_CONNECTIONS).map(|_| places.admit(address(1))).collect();
        all.iter().skip(1).rev().for_each(|asks| asks.place.asked());
        let newer: Vec<_> = (0..3)
            .map(|_| {
                let newer = places.admit(address(1));
                newer.place.asked();
                newer
            })
            .collect();
        let ended: Vec<_> = (0..MAX_CONNECTIONS).filter(|n| has_to_end(&mut all[*n])).collect();
        assert_eq!(ended, [0, MAX_CONNECTIONS - 2, MAX_CONNECTIONS - 1]);
        drop(newer);
    }
}
