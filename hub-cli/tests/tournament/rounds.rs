//! Runs the rounds of a tournament, and judges what they did to the well-behaved pairs and to the hub.

use crate::arena::{Arena, BUDGET, MIB};
use crate::delays::{self, RUNS, Undisturbed};
use crate::good::{Fared, Pairs};
use crate::greedy::{KINDS, Player, Ring, unleash};
use crate::number;
use crate::support::Random;
use crate::wire::frames::*;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// So long may it take until the hub lets a new client in after a round.
const NEWCOMER: Duration = Duration::from_secs(5);

/// So many seconds may it take until the hub has given the memory back.
const RECOVERY_SECONDS: u64 = 60;

/// So long may it take until no delivery is on its way any more.
const LEDGER: Duration = Duration::from_secs(20);

/// So long may it take, after a round, until the hub has no more to do than for the pairs.
const SETTLED: Duration = Duration::from_secs(30);

/// The processor time of a busy hub is measured for so long.
const MOMENT: Duration = Duration::from_millis(500);

/// The processor time of an idle hub is measured for so long.
const IDLE: Duration = Duration::from_secs(3);

/// Holds a hub with its well-behaved pairs, and what went wrong so far.
pub(crate) struct Tournament {
    arena: Arena,
    pairs: Pairs,
    undisturbed: Undisturbed,
    /// The hub takes this part of a processor for the pairs alone.
    share_before: f64,
    resident_before: u64,
    idle_before: f64,
    faults: Vec<String>,
}

impl Tournament {
    /// Starts the hub and the pairs, and measures them undisturbed.
    pub(crate) fn start() -> Tournament {
        let arena = Arena::start();
        let idle_before = arena.processor_share(IDLE);
        let pairs = Pairs::start(&arena);
        // The first events meet cold caches.
        std::thread::sleep(Duration::from_secs(1));
        let share_before = arena.processor_share(MOMENT);
        let undisturbed = Undisturbed::measure(&pairs);
        let resident_before = arena.resident();
        arena.most_memory();
        eprintln!("{} MiB resident", resident_before / MIB);
        let faults = Vec::new();
        Tournament { arena, pairs, undisturbed, share_before, resident_before, idle_before, faults }
    }

    /// Lets greedy clients of these kinds loose, and judges the round.
    ///
    /// A round with delays above the bound is repeated with the same seed, each time with measurements of
    /// the undisturbed pairs right before and right after it.
    pub(crate) fn round(&mut self, kinds: &[usize], seed: u64) {
        let names: Vec<_> = kinds.iter().map(|kind| KINDS[*kind].name).collect();
        let names = names.join(" + ");
        let fared = self.run(kinds, &names, seed);
        let mut delay = self.undisturbed.objects_to(&fared);
        if !delays::are_judged() {
            return delay.into_iter().for_each(|delay| eprintln!("  not judged: {delay}"));
        }
        for _ in 1..RUNS {
            let Some(first) = delay else { return };
            eprintln!("  {first}. The round is repeated");
            let before = self.measure_again();
            let fared = self.run(kinds, &names, seed);
            delay = before.or_slower(self.measure_again()).objects_to(&fared);
        }
        delay.into_iter().for_each(|delay| self.fault(&names, &delay));
    }

    /// Measures the undisturbed pairs again, when the hub has done what a round has left to do. Otherwise
    /// a hub that works on would be measured against itself.
    fn measure_again(&self) -> Undisturbed {
        let start = Instant::now();
        let settled = || self.arena.processor_share(MOMENT) < 1.5 * self.share_before + 0.02;
        while !settled() && start.elapsed() < SETTLED {}
        Undisturbed::measure(&self.pairs)
    }

    /// Runs a round, and judges all but its delays.
    fn run(&mut self, kinds: &[usize], names: &str, seed: u64) -> Fared {
        let mut random = Random(seed);
        let ring = self.ring();
        let from = Instant::now();
        let greedy: Vec<_> = kinds
            .iter()
            .flat_map(|kind| unleash(&KINDS[*kind], &ring, Random(random.next())))
            .collect();
        std::thread::sleep(Duration::from_secs(number("HUB_TEST_ROUND_SECONDS", 5)));
        let during = self.arena.state();
        ring.stop.store(true, Ordering::Relaxed);
        let to = Instant::now();
        let count = greedy.len();
        let goes: u64 = greedy.into_iter().map(|thread| thread.join().unwrap()).sum();
        let most = self.arena.most_memory();
        let newcomer = self.newcomer();
        let fared = self.pairs.fared(from, to);
        eprintln!(
            "{names}: {count} clients, {goes} goes: p50 {:.1?}, p99 {:.1?}, at most {:.1?} (pair {}), {} late; {} MiB; {during}",
            fared.p50,
            fared.p99,
            fared.most,
            fared.slowest,
            fared.missing,
            most / MIB,
        );
        if most > BUDGET + BUDGET / 10 {
            let (most, budget) = (most / MIB, BUDGET / MIB);
            self.fault(names, &format!("MEMORY: {most} MiB resident, the budget is {budget}"));
        }
        if let Some(first) = fared.incidents.first() {
            let count = fared.incidents.len();
            self.fault(names, &format!("INCIDENT: {count}, the first: {first}"));
        }
        match newcomer {
            Ok(time) if time <= NEWCOMER => {}
            other => self.fault(names, &format!("NEWCOMER: {other:?}")),
        }
        fared
    }

    fn fault(&mut self, names: &str, fault: &str) {
        let fault = format!("{names}: {fault}");
        eprintln!("  {fault}");
        self.faults.push(fault);
    }

    /// Ends the pairs, and judges what is left behind. Returns all faults.
    pub(crate) fn end(mut self) -> Vec<String> {
        self.nothing_is_lost();
        let start = Instant::now();
        if !self.pairs.end() {
            self.faults.push("AFTERWARDS: a well-behaved client broke off".to_owned());
        }
        if let Err(figures) = self.arena.ledger(LEDGER) {
            self.faults.push(format!("LEDGER: {figures}"));
        }
        if let Err(said) = self.arena.audit() {
            self.faults.push(format!("AUDIT: {said}"));
        }
        let bound = self.resident_before + self.resident_before / 5;
        let recovery = Duration::from_secs(number("HUB_TEST_RECOVERY_SECONDS", RECOVERY_SECONDS));
        while self.arena.resident() > bound && start.elapsed() < recovery {
            std::thread::sleep(Duration::from_millis(200));
        }
        let (after, took) = (self.arena.resident(), start.elapsed());
        if after > bound {
            let state = self.arena.state();
            self.faults.push(format!(
                "MEMORY KEPT: {} MiB, {} before; {state}",
                after / MIB,
                self.resident_before / MIB
            ));
        }
        // An unoptimised hub takes about one percent for what it does at intervals, so only the rest counts.
        let mut share = self.arena.processor_share(IDLE);
        while share - self.idle_before >= 0.01 && start.elapsed() < recovery {
            share = self.arena.processor_share(IDLE);
        }
        if share - self.idle_before >= 0.01 {
            let before = self.idle_before * 100.0;
            self.faults
                .push(format!("IDLE: {:.1} % of a processor, {before:.1} % before", share * 100.0));
        }
        eprintln!(
            "afterwards: {} MiB after {took:.1?}, {:.2} % of a processor",
            after / MIB,
            share * 100.0
        );
        self.faults
    }

    /// Waits for the events of the well-behaved pairs that have not arrived yet.
    fn nothing_is_lost(&mut self) {
        let to = Instant::now();
        let missing = || self.pairs.fared(self.pairs.start, to).missing;
        while missing() > 0 && to.elapsed() < LEDGER {
            std::thread::sleep(Duration::from_millis(100));
        }
        if missing() > 0 {
            let (missing, state) = (missing(), self.arena.state());
            let fault =
                format!("LOSS: {missing} events of well-behaved pairs never arrived; {state}");
            eprintln!("  {fault}");
            self.faults.push(fault);
        }
    }

    fn ring(&self) -> Ring {
        Ring {
            clients: self.arena.hub.clients,
            http: self.arena.hub.http,
            tokens: Arc::new(self.arena.greedy.clone()),
            operator: self.arena.operator.clone(),
            stop: Arc::default(),
        }
    }

    /// Returns how long it takes until a new client publishes an event and gets it.
    fn newcomer(&self) -> Result<Duration, String> {
        let start = Instant::now();
        let mut player = Player::newcomer(self.ring(), self.arena.newcomer.clone());
        let mut comes = || -> io::Result<()> {
            let mut link = player.open()?;
            link.send(&subscribe(&subscription(1, "good.new")))?;
            link.answered_with(6)?;
            link.send(&event("good.new", &[0xc0]))?;
            link.answered_with(3)
        };
        loop {
            match comes() {
                Ok(()) => return Ok(start.elapsed()),
                Err(error) if start.elapsed() > NEWCOMER => return Err(error.to_string()),
                Err(_) => std::thread::sleep(Duration::from_millis(100)),
            }
        }
    }
}
