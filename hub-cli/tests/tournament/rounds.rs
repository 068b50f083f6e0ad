//! Runs the rounds of a tournament, and judges what they did to the well-behaved pairs and to the hub.

use crate::arena::{Arena, BUDGET, MIB};
use crate::good::{Fared, Pairs};
use crate::greedy::{KINDS, Player, Ring, unleash, yield_to_others};
use crate::number;
use crate::support::Random;
use crate::wire::frames::*;
use crate::wire::wait_until;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The pairs run so long undisturbed, twice. It is enough for 1,500 events.
const UNDISTURBED: Duration = Duration::from_secs(3);

/// No p99 counts as shorter than this: below it, the scheduler of the machine decides, and not the hub.
const SHORTEST_P99: Duration = Duration::from_millis(3);

/// By how many times the p99 of the well-behaved pairs may grow.
const SLOWER: u32 = 5;

/// So long may it take until the hub lets a new client in after a round.
const NEWCOMER: Duration = Duration::from_secs(5);

/// So many seconds may it take until the hub has given the memory back.
const RECOVERY_SECONDS: u64 = 60;

/// So long may it take until no delivery is on its way any more.
const LEDGER: Duration = Duration::from_secs(20);

/// The processor time of an idle hub is measured for so long.
const IDLE: Duration = Duration::from_secs(3);

/// Holds a hub with its well-behaved pairs, and what went wrong so far.
pub(crate) struct Tournament {
    arena: Arena,
    pairs: Pairs,
    bound: Duration,
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
        let calm = undisturbed(&pairs);
        let stop = Arc::new(AtomicBool::new(false));
        let loops = beside_idle_loops(&stop);
        let busy = undisturbed(&pairs);
        stop.store(true, Ordering::Relaxed);
        loops.into_iter().for_each(|thread| thread.join().unwrap());
        let resident_before = arena.resident();
        arena.most_memory();
        let bound = calm.p99.max(SHORTEST_P99) * SLOWER + busy.p99;
        eprintln!(
            "undisturbed: p50 {:.1?}, p99 {:.1?}, at most {:.1?}; {} MiB resident; p99 beside idle loops {:.1?}",
            calm.p50,
            calm.p99,
            calm.most,
            resident_before / MIB,
            busy.p99,
        );
        Tournament { arena, pairs, bound, resident_before, idle_before, faults: Vec::new() }
    }

    /// Lets greedy clients of these kinds loose, and judges the round.
    pub(crate) fn round(&mut self, kinds: &[usize], mut random: Random) {
        let names: Vec<_> = kinds.iter().map(|kind| KINDS[*kind].name).collect();
        let names = names.join(" + ");
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
        self.judge(&names, &fared, most, newcomer);
    }

    fn judge(&mut self, names: &str, fared: &Fared, most: u64, newcomer: Result<Duration, String>) {
        let mut faults = Vec::new();
        if most > BUDGET + BUDGET / 10 {
            faults.push(format!(
                "MEMORY: {} MiB resident, the budget is {}",
                most / MIB,
                BUDGET / MIB
            ));
        }
        if fared.p99 > self.bound {
            let delay = format!(
                "DELAY: p99 {:.1?}, the bound is {:.1?}; at most {:.1?} (pair {})",
                fared.p99, self.bound, fared.most, fared.slowest
            );
            match std::env::var("HUB_TEST_DELAYS").is_ok_and(|delays| delays == "judged") {
                true => faults.push(delay),
                false => eprintln!("  not judged: {delay}"),
            }
        }
        if let Some(first) = fared.incidents.first() {
            faults.push(format!("INCIDENT: {}, the first: {first}", fared.incidents.len()));
        }
        match newcomer {
            Ok(time) if time <= NEWCOMER => {}
            other => faults.push(format!("NEWCOMER: {other:?}")),
        }
        for fault in faults {
            let fault = format!("{names}: {fault}");
            eprintln!("  {fault}");
            self.faults.push(fault);
        }
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
            let fault = format!("LOSS: {} events of well-behaved pairs never arrived", missing());
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
            link.wait_for(6)?;
            link.send(&event("good.new", &[0xc0]))?;
            link.wait_for(3).map(|_| ())
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

/// Returns how the pairs fare while nobody is greedy.
fn undisturbed(pairs: &Pairs) -> Fared {
    let from = Instant::now();
    std::thread::sleep(UNDISTURBED);
    let to = Instant::now();
    wait_until("all have arrived", || pairs.fared(from, to).missing == 0);
    let fared = pairs.fared(from, to);
    assert!(fared.incidents.is_empty(), "undisturbed: {fared:?}");
    fared
}

/// Keeps each processor busy with a thread of the lowest priority.
fn beside_idle_loops(stop: &Arc<AtomicBool>) -> Vec<std::thread::JoinHandle<()>> {
    let count = std::thread::available_parallelism().map_or(2, usize::from);
    let idle = |_| {
        let stop = stop.clone();
        std::thread::spawn(move || {
            yield_to_others();
            while !stop.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        })
    };
    (0..count).map(idle).collect()
}
