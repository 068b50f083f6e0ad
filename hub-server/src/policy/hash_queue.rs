//! Decides whose hash is computed next. Without a fair order, whoever asks most often would be served
//! most often: a crowd of wrong logins from one address would make every other login wait behind it.
//!
//! Each job waits in two rounds. One round gives each address its turn, and the other round gives each
//! id its turn, where the id is the name that the client claims to have. The two rounds are served
//! alternately. So a login waits long only if many addresses and many ids wait together with it: a
//! single address with many names does not delay other addresses, and many addresses that guess the
//! secret of one name do not delay other names.

use super::round::Round;
use crate::limits::account::AccountKey;
use std::collections::HashMap;
use std::sync::Arc;

/// States on whose behalf a hash is computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Requester {
    /// The client is connected from here.
    pub address: AccountKey,
    /// The client claims to own this name, or this access token.
    pub id: Arc<str>,
}

/// Holds the jobs that wait. A job has a number, and lower numbers came earlier.
#[derive(Debug)]
pub(super) struct HashQueue<J> {
    jobs: HashMap<u64, (Requester, J)>,
    by_address: Round<AccountKey>,
    by_id: Round<Arc<str>>,
    /// Jobs of these addresses are being done now.
    running: Vec<AccountKey>,
    next_number: u64,
    /// The flag is true if the round of the ids was served last.
    was_id: bool,
}

impl<J> HashQueue<J> {
    pub(super) fn new() -> Self {
        HashQueue {
            jobs: HashMap::new(),
            by_address: Round::default(),
            by_id: Round::default(),
            running: Vec::new(),
            next_number: 0,
            was_id: true,
        }
    }

    /// Adds a job and returns its number. Returns `None` if `most` jobs of this address wait already.
    pub(super) fn push(&mut self, of: Requester, most: usize, job: J) -> Option<u64> {
        if self.by_address.waiting(&of.address) >= most {
            return None;
        }
        let number = self.next_number;
        self.next_number += 1;
        self.by_address.insert(&of.address, number);
        self.by_id.insert(&of.id, number);
        self.jobs.insert(number, (of, job));
        Some(number)
    }

    /// Removes a job that nobody waits for any more. Does nothing if the job has begun.
    pub(super) fn remove(&mut self, number: u64) {
        self.take(number);
    }

    /// Returns the job whose turn it is, and the address that it is done for. [`HashQueue::done`] has
    /// to follow when the job is done.
    ///
    /// Only one job of an address is done at a time. Otherwise the jobs of one address would occupy
    /// every thread, and a job of another address could begin only when one of them ends.
    pub(super) fn next(&mut self) -> Option<(AccountKey, J)> {
        let (jobs, running) = (&self.jobs, &self.running);
        let may_run =
            |number: u64| jobs.get(&number).is_some_and(|(of, _)| !running.contains(&of.address));
        let number = match self.was_id {
            true => self.by_address.first(may_run),
            false => self.by_id.first(may_run),
        }?;
        self.was_id = !self.was_id;
        let (of, job) = self.take(number)?;
        self.by_address.was_served(&of.address);
        self.by_id.was_served(&of.id);
        self.running.push(of.address.clone());
        Some((of.address, job))
    }

    /// Notes that a job of this address is done.
    pub(super) fn done(&mut self, address: &AccountKey) {
        if let Some(at) = self.running.iter().position(|running| running == address) {
            self.running.swap_remove(at);
        }
    }

    fn take(&mut self, number: u64) -> Option<(Requester, J)> {
        let (of, job) = self.jobs.remove(&number)?;
        self.by_address.remove(&of.address, number);
        self.by_id.remove(&of.id, number);
        Some((of, job))
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.jobs.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::net::{IpAddr, Ipv4Addr};

    fn of(address: u32, id: u32) -> Requester {
        let address = AccountKey::at(IpAddr::V4(Ipv4Addr::from_bits(address)));
        Requester { address, id: id.to_string().into() }
    }

    /// Does jobs one after the other until the job `wanted` comes. Returns how many came before it.
    fn done_before(queue: &mut HashQueue<u64>, wanted: u64) -> usize {
        (0..)
            .find(|_| {
                let (address, job) = queue.next().expect("the job waits");
                queue.done(&address);
                job == wanted
            })
            .expect("there is no end of numbers")
    }

    proptest! {
        /// A login waits for few others if its address or its id is rare, however many wait.
        #[test]
        fn a_crowd_of_one_address_or_one_id_delays_no_other_login(
            crowd in 1..3_000_usize,
            addresses in 1..40_u32,
            ids in 1..40_u32,
            spread in 0..3_u8,
            draws in proptest::collection::vec(any::<u32>(), 64),
        ) {
            let mut queue = HashQueue::new();
            // One address with many names, many addresses with one name, or a few of both.
            let (addresses, ids) = match spread {
                0 => (1, u32::MAX),
                1 => (u32::MAX, 1),
                _ => (addresses, ids),
            };
            for number in 0..crowd as u32 {
                let draw = draws[number as usize % draws.len()].wrapping_add(number);
                let of = of(1_000 + draw % addresses.min(1 << 30), 1_000 + draw % ids.min(1 << 30));
                queue.push(of, usize::MAX, u64::MAX);
            }
            queue.push(of(1, 1), usize::MAX, 7);
            let rounds = addresses.min(ids) as usize;
            prop_assert!(done_before(&mut queue, 7) <= 2 * rounds + 1);
        }

        /// Whatever is pushed, removed and done, each job comes at most once, a removed job does not
        /// come, no address has two jobs at a time, and nothing is left behind.
        #[test]
        fn each_job_is_done_once_or_removed(
            steps in proptest::collection::vec((0..4_u8, 0..5_u32, 0..5_u32), 0..300),
        ) {
            let mut queue = HashQueue::new();
            let (mut waiting, mut running) = (BTreeMap::new(), Vec::<AccountKey>::new());
            for (step, address, id) in steps {
                match step {
                    0 | 1 => {
                        let of = of(address, id);
                        let most = waiting.values().filter(|other| **other == of.address).count();
                        prop_assert_eq!(queue.push(of.clone(), most, 0), None);
                        let number = queue.push(of.clone(), most + 1, queue.next_number).unwrap();
                        waiting.insert(number, of.address);
                    }
                    2 => match queue.next() {
                        Some((address, job)) => {
                            prop_assert_eq!(waiting.remove(&job), Some(address.clone()));
                            prop_assert!(!running.contains(&address));
                            running.push(address);
                        }
                        None => prop_assert!(waiting.values().all(|of| running.contains(of))),
                    },
                    _ if address < 3 => {
                        if let Some((number, _)) = waiting.pop_first() {
                            queue.remove(number);
                        }
                    }
                    _ => running.drain(..).for_each(|address| queue.done(&address)),
                }
                prop_assert_eq!(queue.len(), waiting.len());
            }
            for number in waiting.into_keys() {
                queue.remove(number);
            }
            prop_assert!(queue.by_address.is_empty());
            prop_assert!(queue.by_id.is_empty());
        }
    }
}
