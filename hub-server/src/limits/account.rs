//! Counts what each identity and each address uses of the hub.
//!
//! A client without credentials can state another name the next time, and use another connection. Only
//! its address stays, so the hub counts there what the client uses. That is why each identity has an
//! account, and each address too.

use super::rate::Bucket;
use dashmap::DashMap;
use hub_core::topic::{HeldBytes, MemoryAccount};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// A client whose address the system does not state counts for this address.
pub(crate) const UNKNOWN_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Names the identity or the address to which an account belongs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum AccountKey {
    Identity(Arc<str>),
    /// The account belongs to an address. For IPv6 the address stands for its network, because a
    /// client that has one address of a network mostly has all of them.
    Address(IpAddr),
}

impl AccountKey {
    pub(crate) fn at(address: IpAddr) -> Self {
        AccountKey::Address(match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = address.to_bits() & !u128::from(u64::MAX);
                Ipv6Addr::from_bits(network).into()
            }
            v4 => v4,
        })
    }
}

/// Counts what one identity or one address uses at the moment.
#[derive(Debug)]
pub(crate) struct Account {
    connections: AtomicUsize,
    topics: AtomicUsize,
    pub(crate) events: Bucket,
    pub(crate) bytes: Bucket,
    /// What the hub holds because of all connections of this identity or address.
    pub(crate) memory: Arc<MemoryAccount>,
}

impl Account {
    /// Opens an account whose memory is part of `held`.
    pub(crate) fn new(held: &Arc<HeldBytes>) -> Self {
        Account {
            connections: AtomicUsize::new(0),
            topics: AtomicUsize::new(0),
            events: Bucket::default(),
            bytes: Bucket::default(),
            memory: MemoryAccount::of_owner(held.clone()),
        }
    }
}

/// Opens an account that stands for no identity, to count connections.
impl Default for Account {
    fn default() -> Self {
        Account::new(&Arc::default())
    }
}

/// Holds the accounts that are in use, or were a moment ago.
#[derive(Debug)]
pub(crate) struct Accounts {
    known: DashMap<AccountKey, Arc<Account>>,
    held: Arc<HeldBytes>,
    /// What the hub holds for connections whose client is not known yet.
    strangers: Arc<MemoryAccount>,
    since: Instant,
}

impl Accounts {
    pub(crate) fn new(held: Arc<HeldBytes>) -> Self {
        let strangers = MemoryAccount::of_owner(held.clone());
        Accounts { known: DashMap::new(), held, strangers, since: Instant::now() }
    }

    /// Returns the account of all connections whose client is not known yet.
    pub(crate) fn strangers(&self) -> &Arc<MemoryAccount> {
        &self.strangers
    }

    /// Returns what the hub holds for each owner.
    pub(crate) fn memory(&self) -> Vec<Arc<MemoryAccount>> {
        self.known.iter().map(|account| account.memory.clone()).collect()
    }

    /// Returns the account of this identity or address, and opens it if there is none.
    pub(crate) fn of(&self, owner: AccountKey) -> Arc<Account> {
        let open = || Arc::new(Account::new(&self.held));
        self.known.entry(owner).or_insert_with(open).clone()
    }

    /// Returns the time of the clock that the buckets of all accounts share, in nanoseconds.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Closes the accounts that are not in use and whose buckets are full. Nothing is lost with
    /// them, because a new account would be equal.
    pub(crate) fn close_unused(&self) {
        let now = self.now();
        self.known.retain(|_, account| {
            Arc::strong_count(account) > 1
                // Something that a connection has left behind may still be charged.
                || Arc::strong_count(&account.memory) > 1
                || account.memory.holding() > 0
                || !account.events.is_full(now)
                || !account.bytes.is_full(now)
        });
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }
}

/// Stands for one unit that an account counts. Dropping the permit gives the unit back.
#[derive(Debug)]
pub(crate) struct Permit {
    account: Arc<Account>,
    counter: fn(&Account) -> &AtomicUsize,
}

impl Permit {
    fn take(
        account: &Arc<Account>,
        counter: fn(&Account) -> &AtomicUsize,
        limit: usize,
    ) -> Option<Permit> {
        let one_more = |taken: usize| (limit == 0 || taken < limit).then_some(taken + 1);
        counter(account).fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
        Some(Permit { account: account.clone(), counter })
    }

    pub(crate) fn connection(account: &Arc<Account>, limit: usize) -> Option<Permit> {
        Permit::take(account, |account| &account.connections, limit)
    }

    /// Returns whether the unit counts in this account.
    pub(crate) fn is_of(&self, account: &Arc<Account>) -> bool {
        Arc::ptr_eq(&self.account, account)
    }

    pub(crate) fn topic(account: &Arc<Account>, limit: usize) -> Option<Permit> {
        Permit::take(account, |account| &account.topics, limit)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        (self.counter)(&self.account).fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::super::rate::Rate;
    use super::*;
    use std::time::Duration;

    fn at(text: &str) -> AccountKey {
        AccountKey::at(text.parse().unwrap())
    }

    #[test]
    fn an_address_is_one_of_ipv4_or_a_network_of_ipv6() {
        assert_ne!(at("192.0.2.1"), at("192.0.2.2"));
        assert_eq!(at("192.0.2.1"), at("::ffff:192.0.2.1"));
        assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:ffff:ffff:ffff"));
        assert_ne!(at("2001:db8::1"), at("2001:db8:0:1::1"));
        assert_ne!(at("::1"), at("127.0.0.1"));
    }

    #[test]
    fn a_permit_is_given_back_when_it_is_dropped() {
        let account = Arc::new(Account::default());
        let two: Vec<_> = (0..2).map(|_| Permit::connection(&account, 2).unwrap()).collect();
        assert!(Permit::connection(&account, 2).is_none());
        assert!(Permit::topic(&account, 2).is_some(), "topics are counted apart");
        assert!(Permit::connection(&account, 0).is_some(), "0 is no limit");
        drop(two);
        assert!(Permit::connection(&account, 2).is_some());
    }

    #[test]
    fn an_account_is_closed_when_a_new_one_would_be_as_good() {
        let accounts = Accounts::new(Arc::default());
        let used = accounts.of(at("192.0.2.1"));
        let in_debt = accounts.of(at("192.0.2.2"));
        let rate = Rate::new(1, Duration::from_secs(1)).unwrap();
        rate.take(&in_debt.events, accounts.now(), 3_600);
        drop((in_debt, accounts.of(at("192.0.2.3"))));
        accounts.close_unused();
        assert_eq!(accounts.len(), 2);
        drop(used);
        accounts.close_unused();
        assert_eq!(accounts.len(), 1, "who is in debt cannot leave that behind");
    }
}
