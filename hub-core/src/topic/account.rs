//! Charges memory to who caused it: to a connection, and through it to its owner, which is an identity
//! or an address.
//!
//! Without accounts, the hub would know that too much is held and not who holds it. Then everybody would
//! have to wait for what one client takes.
//!
//! An account counts two things. *Charged* bytes exist because of the client and are part of the sum of
//! all held bytes. *Waiting* bytes are runs that the client lets wait in its queues, or that it has
//! published and nobody needs but the history. Several accounts may count the same run, because the
//! queues share its bytes; the sum counts it once. Memberships that others got because the client made a
//! topic are waiting bytes of the client, too.

use super::demand::Demand;
use super::held_bytes::{HeldBytes, change};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// A queue with more than this many bytes is *long*. This many bytes may always wait in a queue.
pub const LEAST_QUEUE: usize = 64 * 1024;

/// Counts the bytes that one connection or one owner holds of the hub's memory.
#[derive(Debug)]
pub struct MemoryAccount {
    held: Arc<HeldBytes>,
    /// The account of a connection belongs to the account of its owner.
    owner: Option<Arc<MemoryAccount>>,
    charged: AtomicUsize,
    waiting: AtomicUsize,
    /// So many queues are long.
    long_queues: AtomicUsize,
    /// A connection of this owner that holds more than this is asked to hold less.
    share: AtomicUsize,
    /// This many bytes may wait in each queue of this owner.
    queue_limit: AtomicUsize,
    /// The connection was asked to come down to its share. The account of an owner is not asked itself.
    demand: Mutex<Option<Demand>>,
    /// The flag of an owner is true if a connection of it was asked.
    asks: AtomicBool,
    /// The flag is true if the connection has ended. What it left behind cannot be had by asking.
    ended: AtomicBool,
    number: u64,
    connections: Mutex<HashMap<u64, Weak<MemoryAccount>>>,
    next: AtomicU64,
}

impl MemoryAccount {
    /// Opens the account of an identity or an address. What is charged to it is added to `held`.
    #[must_use]
    pub fn of_owner(held: Arc<HeldBytes>) -> Arc<Self> {
        Arc::new(MemoryAccount::new(held, None, 0))
    }

    /// Opens the account of a connection of `owner`. It lasts as long as anything is charged to it, so
    /// it may outlast the connection.
    #[must_use]
    pub fn of_connection(owner: &Arc<Self>) -> Arc<Self> {
        let number = owner.next.fetch_add(1, Relaxed);
        let account = Arc::new(MemoryAccount::new(owner.held.clone(), Some(owner.clone()), number));
        owner.connections.lock().insert(number, Arc::downgrade(&account));
        account
    }

    fn new(held: Arc<HeldBytes>, owner: Option<Arc<Self>>, number: u64) -> Self {
        MemoryAccount {
            held,
            owner,
            charged: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            long_queues: AtomicUsize::new(0),
            share: AtomicUsize::new(usize::MAX),
            queue_limit: AtomicUsize::new(usize::MAX),
            demand: Mutex::default(),
            asks: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            number,
            connections: Mutex::default(),
            next: AtomicU64::new(0),
        }
    }

    /// Returns how many bytes are charged. All of them are part of the sum of held bytes.
    #[must_use]
    pub fn charged(&self) -> usize {
        self.charged.load(Relaxed)
    }

    /// Returns how many bytes the connection or the owner holds: what is charged and what waits.
    #[must_use]
    pub fn holding(&self) -> usize {
        self.charged() + self.waiting.load(Relaxed)
    }

    /// Returns how many queues have more than [`LEAST_QUEUE`] bytes.
    #[must_use]
    pub fn long_queues(&self) -> usize {
        self.long_queues.load(Relaxed)
    }

    /// Returns whether this connection holds more than its share, so that it has to give before others
    /// do. The account of an owner is never asked itself.
    #[must_use]
    pub fn is_over_share(&self) -> bool {
        let share = self.owner.as_ref().map_or(usize::MAX, |owner| owner.share.load(Relaxed));
        self.holding() > share
    }

    /// Returns whether the owner of this connection holds more than its share, and more than a little of that
    /// is charged to this connection. Otherwise an owner with many connections could go on to grow by those
    /// of them that have not reached their part yet.
    #[must_use]
    pub fn adds_to_excess(&self) -> bool {
        let excess = self.owner.as_ref().is_some_and(|owner| owner.shares_out());
        excess && self.charged() > LEAST_QUEUE
    }

    /// Returns whether the owner of this connection, or this owner, holds no more than is reserved for each.
    #[must_use]
    pub fn is_within_reserve(&self) -> bool {
        self.owner.as_deref().unwrap_or(self).holding() <= self.held.reserved()
    }

    /// Returns whether this owner holds more than its share, so that its connections share that out.
    #[must_use]
    pub fn shares_out(&self) -> bool {
        self.share.load(Relaxed) != usize::MAX
    }

    /// Sets how much each connection of this owner may hold, and how much may wait in each of their
    /// queues, until memory is shared out anew.
    pub fn share_out(&self, connection: usize, queue: usize) {
        self.share.store(connection, Relaxed);
        self.queue_limit.store(queue, Relaxed);
    }

    /// Asks each connection of this owner that is clearly above its share to come down to it. `short_for` is
    /// the time since the last call, as far as memory was short. Adds to `unmet` how much each connection
    /// holds that was asked, and for how long it has not come down.
    pub fn ask(&self, short_for: Duration, unmet: &mut Vec<(usize, Duration)>) {
        let share = self.share.load(Relaxed);
        if share == usize::MAX && !self.asks.load(Relaxed) {
            return;
        }
        let before = unmet.len();
        for one in self.live_connections() {
            let holding = one.holding();
            let mut demand = one.demand.lock();
            *demand = Demand::next(demand.take(), short_for, holding, share);
            unmet.extend(demand.map(|demand| (holding, demand.unmet_for)));
        }
        self.asks.store(unmet.len() > before, Relaxed);
    }

    /// Returns for how long this connection has not come down to what it was asked for, counted only while
    /// memory was short. `None` means that it was not asked.
    #[must_use]
    pub fn unmet_for(&self) -> Option<Duration> {
        self.demand.lock().map(|demand| demand.unmet_for)
    }

    /// States that the connection has ended, so that nobody asks it for anything.
    pub fn end(&self) {
        self.ended.store(true, Relaxed);
    }

    /// Returns how many bytes may wait in a queue of this connection.
    pub(super) fn queue_limit(&self) -> usize {
        self.owner.as_ref().map_or(usize::MAX, |owner| owner.queue_limit.load(Relaxed))
    }

    /// Returns how much each connection of this owner holds, the connections that have ended and left
    /// something behind included.
    #[must_use]
    pub fn connections(&self) -> Vec<usize> {
        self.accounts().iter().map(|one| one.holding()).collect()
    }

    fn live_connections(&self) -> impl Iterator<Item = Arc<Self>> {
        self.accounts().into_iter().filter(|one| !one.ended.load(Relaxed))
    }

    /// Returns the accounts of the connections. An account that ends takes the lock, so the lock is free
    /// again before the accounts are let go.
    fn accounts(&self) -> Vec<Arc<Self>> {
        self.connections.lock().values().filter_map(Weak::upgrade).collect()
    }

    /// Replaces `before` bytes that wait by `now` bytes.
    fn change_waiting(&self, before: usize, now: usize, queue: bool) {
        let long = (queue && before > LEAST_QUEUE, queue && now > LEAST_QUEUE);
        for account in self.and_owner() {
            change(&account.waiting, before, now);
            match long {
                (false, true) => drop(account.long_queues.fetch_add(1, Relaxed)),
                (true, false) => drop(account.long_queues.fetch_sub(1, Relaxed)),
                _ => {}
            }
        }
    }

    fn change_charged(&self, before: usize, now: usize) {
        self.held.change(before, now);
        for account in self.and_owner() {
            change(&account.charged, before, now);
        }
    }

    fn and_owner(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(self.owner.as_deref())
    }
}

impl Drop for MemoryAccount {
    fn drop(&mut self) {
        if let Some(owner) = &self.owner {
            let mut connections = owner.connections.lock();
            connections.remove(&self.number);
            if connections.capacity() > 4 * connections.len() + 16 {
                connections.shrink_to_fit();
            }
        }
    }
}

/// Holds bytes that are charged to an account. Dropping the charge gives them back, so no way in which
/// something ends can forget to.
#[derive(Debug)]
pub struct Charge {
    account: Arc<MemoryAccount>,
    bytes: usize,
}

impl Charge {
    /// Charges `bytes` bytes to `account`, and to its owner.
    #[must_use]
    pub fn new(account: &Arc<MemoryAccount>, bytes: usize) -> Self {
        account.change_charged(0, bytes);
        Charge { account: account.clone(), bytes }
    }

    /// Returns the account that is charged.
    #[must_use]
    pub fn account(&self) -> &Arc<MemoryAccount> {
        &self.account
    }

    /// Returns how many bytes are charged.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Sets how many bytes are charged.
    pub fn set(&mut self, bytes: usize) {
        self.account.change_charged(self.bytes, bytes);
        self.bytes = bytes;
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.set(0);
    }
}

/// Holds bytes that are charged to others, and that an account has caused. Dropping the value takes them off.
#[derive(Debug)]
pub(super) struct Caused {
    account: Arc<MemoryAccount>,
    bytes: usize,
}

impl Caused {
    pub(super) fn new(account: &Arc<MemoryAccount>, bytes: usize) -> Self {
        account.change_waiting(0, bytes, false);
        Caused { account: account.clone(), bytes }
    }

    /// Takes off what exceeds `most` bytes.
    pub(super) fn at_most(&mut self, most: usize) {
        if most < self.bytes {
            self.account.change_waiting(self.bytes, most, false);
            self.bytes = most;
        }
    }
}

impl Drop for Caused {
    fn drop(&mut self) {
        self.at_most(0);
    }
}

/// Tells an account how many bytes wait in one place, in steps: an account is shared by all threads, so
/// not every event should change it.
#[derive(Debug)]
pub(super) struct WaitingSize {
    account: Arc<MemoryAccount>,
    reported: AtomicUsize,
    /// The flag is true if the place is a queue, whose bound follows from the number of queues.
    queue: bool,
}

/// A [`WaitingSize`] changes its account in steps of this many bytes.
const STEP: usize = 4 * 1024;

impl WaitingSize {
    pub(super) fn of_queue(account: &Arc<MemoryAccount>) -> Self {
        WaitingSize { account: account.clone(), reported: AtomicUsize::new(0), queue: true }
    }

    pub(super) fn of_history(account: &Arc<MemoryAccount>) -> Self {
        WaitingSize { account: account.clone(), reported: AtomicUsize::new(0), queue: false }
    }

    pub(super) fn account(&self) -> &Arc<MemoryAccount> {
        &self.account
    }

    /// States how many bytes wait now. Several threads may call this at a time: each takes back what
    /// the one before it has reported, so nothing is counted twice.
    pub(super) fn set(&self, now: usize) {
        let reported = self.reported.load(Relaxed);
        if now.abs_diff(reported) >= STEP || (now == 0 && reported > 0) {
            self.account.change_waiting(self.reported.swap(now, Relaxed), now, self.queue);
        }
    }
}

impl Drop for WaitingSize {
    fn drop(&mut self) {
        self.set(0);
    }
}
