//! Shares the places for instances out among the clients that own them. Without this module, a client
//! that names a new instance each time would take every place, and no other client could resume.
//!
//! When there is no free place, an instance of the owner with the most instances gives way. Of these, it
//! is the one that has been without a connection for longest.

use crate::limits::account::AccountKey;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Identifies an instance by the name of the identity that owns it, and by its random id.
pub(crate) type InstanceKey = (Arc<str>, [u8; 16]);

/// Counts the instances of each owner, and knows which of them have no connection. An owner is an
/// identity, or an address for anonymous clients.
#[derive(Debug, Default)]
pub(super) struct InstanceShares {
    owners: HashMap<AccountKey, Share>,
    /// Holds the owners that have an instance without a connection. The owner that gives way first is
    /// the last of them: the one with the most instances, and of several the one whose instance has
    /// been without a connection for longest.
    ranks: BTreeSet<(Rank, AccountKey)>,
    total: usize,
    next_departure: Departure,
}

type Rank = (usize, Reverse<Departure>);

/// Numbers the moments at which instances lost their connections.
pub(super) type Departure = u64;

#[derive(Debug, Default)]
struct Share {
    count: usize,
    away: BTreeMap<Departure, InstanceKey>,
}

impl Share {
    fn rank(&self) -> Option<Rank> {
        let (longest, _) = self.away.first_key_value()?;
        Some((self.count, Reverse(*longest)))
    }
}

impl InstanceShares {
    /// Returns how many instances there are.
    pub(super) fn total(&self) -> usize {
        self.total
    }

    /// Counts one more instance, which has a connection.
    pub(super) fn add(&mut self, owner: &AccountKey) {
        self.change(owner, |share| share.count += 1);
        self.total += 1;
    }

    /// Notes that an instance has no connection any more.
    pub(super) fn leave(&mut self, owner: &AccountKey, id: InstanceKey) -> Departure {
        let departure = self.next_departure;
        self.next_departure += 1;
        self.change(owner, |share| drop(share.away.insert(departure, id)));
        departure
    }

    /// Counts one instance less. If the instance is without a connection since `departure`, and
    /// [`InstanceShares::give_way`] has named it already, it is not counted any more.
    pub(super) fn remove(&mut self, owner: &AccountKey, departure: Option<Departure>) {
        let mut counted = false;
        self.change(owner, |share| {
            counted = departure.is_none_or(|departure| share.away.remove(&departure).is_some());
            share.count -= usize::from(counted);
        });
        self.total -= usize::from(counted);
    }

    /// Chooses the instance that gives way to a new instance of `claimant`, and counts it no longer.
    /// Returns `None` if no other owner has more instances than `claimant` would have, and none of the
    /// claimant's own instances can give way.
    pub(super) fn give_way(&mut self, claimant: &AccountKey) -> Option<(Departure, InstanceKey)> {
        let own = self.owners.get(claimant);
        let claimed = own.map_or(0, |share| share.count) + 1;
        let own = own.and_then(Share::rank).map(|_| claimant.clone());
        let most = self.ranks.last().filter(|((count, _), _)| *count >= claimed);
        let owner = most.map(|(_, owner)| owner.clone()).or(own)?;
        let (departure, id) = self.owners.get(&owner)?.away.first_key_value()?;
        let chosen = (*departure, id.clone());
        self.remove(&owner, Some(chosen.0));
        Some(chosen)
    }

    fn change(&mut self, owner: &AccountKey, change: impl FnOnce(&mut Share)) {
        let share = self.owners.entry(owner.clone()).or_default();
        let before = share.rank();
        change(share);
        let after = share.rank();
        if share.count == 0 {
            self.owners.remove(owner);
        }
        if before != after {
            before.map(|rank| self.ranks.remove(&(rank, owner.clone())));
            after.map(|rank| self.ranks.insert((rank, owner.clone())));
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.owners.is_empty() && self.ranks.is_empty() && self.total == 0
    }
}
