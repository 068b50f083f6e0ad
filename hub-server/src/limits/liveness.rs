//! Promise: who holds too much while memory is short is refused after a grace and ended after another,
//! whatever the use of memory does in between; and who gives what it is asked for is never ended, however
//! long memory is short.
//!
//! These tests connect the monitor, the shares and the accounts as load shedding does, with a clock of their
//! own and holdings drawn by proptest.

use super::account::{AccountKey, Accounts};
use super::memory::{Memory, MemoryPressure};
use super::memory_monitor::MemoryMonitor;
use super::memory_sample::MemorySample;
use super::share::{Shares, to_end};
use hub_core::topic::{Charge, HeldBytes, MemoryAccount};
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;

const MIB: usize = 1 << 20;
const BUDGET: usize = 100 * MIB;
const STEP: Duration = Duration::from_millis(20);
/// The grace has this many steps.
const GRACE: usize = 50;
/// So many clients stay below their share.
const OTHERS: usize = 20;

fn steps(count: usize) -> Duration {
    STEP * u32::try_from(count).unwrap()
}

/// Stands for a hub. Each client has an identity of its own.
struct Process {
    accounts: Accounts,
    memory: Memory,
    shares: Shares,
    monitor: MemoryMonitor,
    clients: Vec<(Arc<MemoryAccount>, Charge)>,
    now: Duration,
    /// Memory was short for this many steps.
    short: usize,
    unmet: Vec<(usize, Duration)>,
    ends: Option<usize>,
}

impl Process {
    fn new(clients: usize) -> Self {
        let held = Arc::new(HeldBytes::default());
        let accounts = Accounts::new(held.clone());
        let client = |n| {
            let owner = accounts.of(AccountKey::Identity(format!("client-{n}").into()));
            let account = MemoryAccount::of_connection(&owner.memory);
            (account.clone(), Charge::new(&account, 0))
        };
        Process {
            clients: (0..clients).map(client).collect(),
            memory: Memory::new(held, BUDGET as u64, 4 * MIB, steps(GRACE)),
            monitor: MemoryMonitor::new(BUDGET, steps(GRACE)),
            shares: Shares::default(),
            accounts,
            now: Duration::ZERO,
            short: 0,
            unmet: Vec::new(),
            ends: None,
        }
    }

    /// Takes the next sample, after the holdings were set.
    fn sample(&mut self) {
        self.now += STEP;
        let held = self.memory.held().get();
        let decision =
            self.monitor.observe(self.now, MemorySample { resident: held, held, promised: 0 });
        let was_short = self.memory.level() != MemoryPressure::Calm as u8;
        self.short += usize::from(was_short);
        let short_for = if was_short { STEP } else { Duration::ZERO };
        let used = (decision.used, BUDGET);
        self.unmet = self.shares.set(&self.accounts, self.memory.held(), used, short_for);
        self.memory.apply(decision, !self.unmet.is_empty());
        self.ends = decision.ends.then(|| to_end(&self.unmet, 2 * steps(GRACE))).flatten();
    }

    fn pressure(&self, client: usize) -> MemoryPressure {
        self.memory.pressure(Some(&self.clients[client].0))
    }

    fn is_ended(&self, client: usize) -> bool {
        let account = &self.clients[client].0;
        let late = account.unmet_for() >= Some(2 * steps(GRACE));
        late && account.is_over_share() && self.ends.is_some_and(|most| account.holding() > most)
    }
}

/// Refusing a client that holds little would free nothing, as long as another one can give.
#[test]
fn who_is_within_the_share_waits_for_who_is_not_and_is_refused_when_nobody_is_left() {
    let mut hub = Process::new(2);
    hub.clients[0].1.set(93 * MIB);
    // This is more than the reserve.
    hub.clients[1].1.set(4 * MIB);
    for step in 1..=4 * GRACE {
        hub.sample();
        assert_eq!(hub.pressure(1), MemoryPressure::Slow, "{step}");
        assert_eq!(hub.is_ended(0), step > 2 * GRACE + 1, "{step}");
    }
    assert_eq!(hub.pressure(0), MemoryPressure::Refuse);
    assert_eq!(hub.memory.pressure(None), MemoryPressure::Refuse, "a new connection does not wait");
    // What is held now is charged to nobody, so nobody can be asked for it.
    hub.clients[0].1.set(0);
    hub.memory.held().change(0, 93 * MIB);
    hub.sample();
    assert_eq!(hub.pressure(1), MemoryPressure::Refuse);
}

/// Their part is so small that the process stays within its budget all the same.
#[test]
fn who_is_within_the_reserve_is_served_until_the_budget_is_used_up() {
    let mut hub = Process::new(3);
    hub.clients[0].1.set(96 * MIB);
    hub.clients[1].1.set(3 * MIB);
    hub.clients[2].1.set(MIB / 2);
    for _ in 0..4 * GRACE {
        hub.clients[1].1.set(3 * MIB);
        hub.sample();
        assert_eq!(hub.pressure(1), MemoryPressure::Slow, "its reserve is used up");
        hub.clients[1].1.set(3 * MIB / 2);
        assert_eq!(hub.pressure(1), MemoryPressure::Calm);
    }
    let address = hub.accounts.of(AccountKey::Identity("somebody new".into()));
    let is_closed = |hub: &Process| hub.memory.is_closed_to(Some(&address.memory));
    assert!(!is_closed(&hub) && hub.memory.is_closed_to(None));
    hub.clients[0].1.set(101 * MIB);
    hub.sample();
    assert_ne!(hub.pressure(1), MemoryPressure::Calm);
    assert!(is_closed(&hub));
}

proptest! {
    /// The first client gives nothing. The others come and go, so that the use falls and rises at random
    /// above the calm line.
    #[test]
    fn who_gives_nothing_is_refused_and_then_ended(
        greedy in 30..50_usize,
        uses in proptest::collection::vec(71 * MIB..94 * MIB, 150..400),
    ) {
        let mut hub = Process::new(1 + OTHERS);
        hub.clients[0].1.set(greedy * MIB);
        // The client is asked while memory is clearly short, because a demand is for what is missing then.
        for used in [vec![81 * MIB; 2], uses].concat() {
            for (_, charge) in &mut hub.clients[1..] {
                charge.set((used - greedy * MIB) / OTHERS);
            }
            hub.sample();
            let short = hub.memory.held().get() >= 80 * MIB;
            if short && hub.short > GRACE + 1 {
                prop_assert_eq!(hub.pressure(0), MemoryPressure::Refuse);
            }
            let ends = hub.memory.held().get() >= 77 * MIB && hub.memory.level() > 0;
            prop_assert_eq!(hub.is_ended(0), ends && hub.short > 2 * GRACE);
            for other in 1..hub.clients.len() {
                prop_assert!(hub.pressure(other) != MemoryPressure::Refuse, "{used}");
                prop_assert!(!hub.is_ended(other));
            }
        }
        prop_assert!(hub.short > GRACE, "memory was never short for long");
    }

    /// Memory is short all the time, so the client that gives nothing is refused in time to the step.
    #[test]
    fn dips_of_others_delay_nothing_while_memory_is_short(
        uses in proptest::collection::vec(80 * MIB..94 * MIB, 2 * GRACE..=2 * GRACE),
    ) {
        let mut hub = Process::new(1 + OTHERS);
        hub.clients[0].1.set(40 * MIB);
        for (step, used) in [vec![80 * MIB, 80 * MIB], uses].concat().into_iter().enumerate() {
            for (_, charge) in &mut hub.clients[1..] {
                charge.set((used - 40 * MIB) / OTHERS);
            }
            hub.sample();
            if step > GRACE {
                prop_assert_eq!(hub.pressure(0), MemoryPressure::Refuse, "{}", step);
            }
            prop_assert_eq!(hub.is_ended(0), step > 2 * GRACE, "{}", step);
        }
    }

    /// Everybody takes as much as it gets, and gives what it is asked for within less than two graces. So
    /// memory is short again and again, and nobody is ended.
    #[test]
    fn who_gives_in_time_is_never_ended(
        clients in 1..12_usize,
        turns in proptest::collection::vec((0..12_usize, 1..20 * MIB, 1..2 * GRACE - 2), 100..400),
    ) {
        let mut hub = Process::new(clients);
        let mut gives_in = vec![None::<usize>; clients];
        for (who, more, delay) in turns {
            let room = (93 * MIB).saturating_sub(hub.memory.held().get());
            let (account, charge) = &mut hub.clients[who % clients];
            if account.unmet_for().is_none() {
                charge.set(charge.bytes() + more.min(room));
            }
            hub.sample();
            for ((account, charge), gives_in) in hub.clients.iter_mut().zip(&mut gives_in) {
                *gives_in = match (account.unmet_for(), *gives_in) {
                    (None, _) => None,
                    (Some(_), None) => Some(delay),
                    (Some(_), Some(0)) => {
                        charge.set(charge.bytes() / 4);
                        None
                    }
                    (Some(_), Some(left)) => Some(left - 1),
                };
            }
            prop_assert!((0..clients).all(|client| !hub.is_ended(client)));
        }
    }
}
