//! Shares the memory out: says how much each owner, each of its connections, and each of their queues may
//! hold. Without shares, whoever takes most would make everybody wait.
//!
//! The shares are as equal as can be: whoever holds less than an equal share keeps all of it, and what
//! that leaves goes to the others. So only those who hold most are asked for what is missing.

use super::account::Accounts;
use hub_core::topic::{HeldBytes, LEAST_QUEUE};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Memory is shared out so that this percentage of the budget is used.
const TARGET: usize = 70;
/// Below this percentage of the budget, nothing is shared out.
const PLENTY: usize = 50;
/// An owner may always hold an equal part of the memory, divided by this number. What is used and charged to
/// nobody, such as the memory of a password hash, would otherwise be asked from those who hold next to nothing.
const LEAST_PART: usize = 4;
/// This percentage of the budget is reserved in equal parts, one for each owner. Whoever holds no more than
/// that is served even while others have not given back yet what they were asked for.
const RESERVED: usize = 6;
/// A connection may always hold this many bytes.
const LEAST_SHARE: usize = 16 * 1024;

/// Shares the memory of a hub out.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    /// The flag is true while shares are in force.
    in_force: AtomicBool,
}

impl Shares {
    /// Returns whether so much of the budget is used that those who hold most may have to give.
    pub(crate) fn is_scarce(used: usize, budget: usize) -> bool {
        used > budget / 100 * TARGET
    }

    /// Sets the share of each owner, and asks the connections above their share to come down to it. `used`
    /// bytes of `budget` are in use, and memory was short for `short_for` since the last call. Returns how
    /// much each connection holds that was asked, and for how long it has not come down.
    pub(crate) fn set(
        &self,
        accounts: &Accounts,
        held: &HeldBytes,
        (used, budget): (usize, usize),
        short_for: Duration,
    ) -> Vec<(usize, Duration)> {
        let mut unmet = Vec::new();
        let plenty = used < budget / 100 * PLENTY;
        if plenty && !self.in_force.load(Ordering::Relaxed) {
            return unmet;
        }
        self.in_force.store(!plenty, Ordering::Relaxed);
        let owners = accounts.memory();
        held.reserve(budget / 100 * RESERVED / owners.len().max(1));
        if plenty {
            held.limit_queues(usize::MAX);
            for owner in owners {
                owner.share_out(usize::MAX, usize::MAX);
                owner.ask(short_for, &mut unmet);
            }
            return unmet;
        }
        let mut holdings: Vec<usize> = owners.iter().map(|owner| owner.holding()).collect();
        let growing = owners.iter().filter(|owner| owner.long_queues() > 0).count();
        let target = budget / 100 * TARGET;
        let share = match target.checked_sub(used) {
            // What is free goes to those whose queues grow, and to one who may come.
            Some(free) => holdings.iter().max().map_or(0, |most| *most) + free / (growing + 1),
            None => {
                let all: usize = holdings.iter().sum();
                let least = target / (LEAST_PART * owners.len().max(1));
                equal_share(&mut holdings, all.saturating_sub(used - target)).max(least)
            }
        };
        let mut largest = if owners.is_empty() { share } else { LEAST_QUEUE };
        for owner in owners {
            let of_queues = share.saturating_sub(owner.charged()) / owner.long_queues().max(1);
            let of_queues = of_queues.max(LEAST_QUEUE);
            largest = largest.max(of_queues);
            let of_connection = match owner.holding() > share {
                true => equal_share(&mut owner.connections(), share).max(LEAST_SHARE),
                false => usize::MAX,
            };
            owner.share_out(of_connection, of_queues);
            owner.ask(short_for, &mut unmet);
        }
        held.limit_queues(largest);
        unmet
    }
}

/// Returns above which number of bytes a connection is ended: half of what the largest holds of those that
/// have not come down to their share in time. Returns `None` if there is none.
pub(crate) fn to_end(unmet: &[(usize, Duration)], time: Duration) -> Option<usize> {
    let late = unmet.iter().filter(|(_, unmet_for)| *unmet_for >= time);
    late.map(|(holding, _)| holding / 2).max()
}

/// Returns the largest share with which all `holdings` together take at most `room`, if whoever holds more
/// than the share gives the rest away. Returns `usize::MAX` if nobody has to.
pub(crate) fn equal_share(holdings: &mut [usize], room: usize) -> usize {
    holdings.sort_unstable();
    let mut left = room;
    for (at, holding) in holdings.iter().enumerate() {
        let others = holdings.len() - at;
        if holding.saturating_mul(others) > left {
            return left / others;
        }
        left -= holding;
    }
    usize::MAX
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn whoever_holds_less_than_an_equal_share_keeps_it() {
        assert_eq!(equal_share(&mut [1, 100, 2, 60], 103), 50);
        assert_eq!(equal_share(&mut [1, 100, 2], 103), usize::MAX);
        assert_eq!(equal_share(&mut [1, 100, 2], 102), 99);
        assert_eq!(equal_share(&mut [], 0), usize::MAX);
    }

    proptest! {
        /// What is left fits, and a share that is larger by one would not.
        #[test]
        fn the_share_is_the_largest_that_fits(
            holdings in proptest::collection::vec(0..1_000_usize, 0..20),
            room in 0..10_000_usize,
        ) {
            let share = equal_share(&mut holdings.clone(), room);
            let with = |share: usize| -> usize { holdings.iter().map(|one| share.min(*one)).sum() };
            prop_assert!(with(share) <= room);
            prop_assert!(share == usize::MAX || with(share + 1) > room);
        }
    }
}
