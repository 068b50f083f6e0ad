//! Looks at the memory some times a second, and frees some when it is short.

use super::memory::{Figures, Pressure, Watch};
use super::system;
use crate::hub::Hub;
use crate::session::Relieve;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

/// How often it is looked while there is enough memory, if nobody finds it short earlier,
const EVERY: Duration = Duration::from_millis(50);
/// and while publishers have to wait for it.
const EVERY_WHEN_SHORT: Duration = Duration::from_millis(20);
/// While there is enough, queues may hold a sixteenth more each time that this has passed.
const WIDEN_EVERY: Duration = Duration::from_millis(100);
/// How often accounts that nobody uses are closed.
const SWEEP: Duration = Duration::from_secs(1);
/// What may always wait for a client.
const LEAST_QUEUE: usize = 64 * 1024;
/// A client may have left so much of its answers unread before events are refused,
const MOST_ANSWERS: usize = 256 * 1024;
/// and so much in the end.
const LEAST_ANSWERS: usize = 8 * 1024;
/// After so many looks at which memory is short the topics forget their past once more.
const FORGET_EVERY: u32 = 50;
/// After so many it is seen to it that clients that are away take no more than this part of the budget.
const AWAY_EVERY: u32 = 5;
const AWAY_PART: usize = 16;

/// Runs for as long as the hub.
pub(crate) async fn keep_within_budget(hub: Arc<Hub>) {
    let start = Instant::now();
    let grace = Duration::from_millis(hub.config.memory_grace_ms);
    let mut watch = hub.memory.budget().map(|budget| Watch::new(budget, grace));
    let mut relief = Relief::new(hub.config.queue_bytes);
    let mut swept = start;
    loop {
        match relief.short {
            // That nobody finds it short is what is hoped for.
            0 => drop(timeout(EVERY, hub.memory.reported_short()).await),
            _ => sleep(EVERY_WHEN_SHORT).await,
        }
        if let Some(watch) = &mut watch {
            let verdict = watch.look(start.elapsed(), figures(&hub));
            let was = hub.memory.level();
            hub.memory.apply(verdict);
            if was != verdict.level as u8 {
                let (used, held) = (verdict.used, hub.memory.held().get());
                match verdict.level {
                    Pressure::Calm => tracing::info!(used, held, "memory: enough again"),
                    Pressure::Slow => tracing::warn!(used, held, "memory: publishers wait"),
                    Pressure::Refuse => tracing::warn!(used, held, "memory: events are refused"),
                }
            }
            match verdict.level {
                Pressure::Calm => {
                    if let Some(queue) = relief.widen(start.elapsed()) {
                        hub.memory.held().limit_queues(queue);
                    }
                }
                level => relieve(&hub, &mut relief, level),
            }
        }
        if swept.elapsed() >= SWEEP {
            swept = Instant::now();
            hub.accounts.close_unused();
        }
    }
}

fn figures(hub: &Hub) -> Figures {
    let held = hub.memory.held().get();
    Figures {
        // Where the system does not say, what is counted has to do.
        resident: system::resident().unwrap_or(held),
        held,
        connections: hub.sessions.len(),
        topics: hub.registry.topics(),
        subscriptions: hub.registry.subscriptions(),
    }
}

/// Takes from the past, and then from what waits for clients.
fn relieve(hub: &Hub, relief: &mut Relief, level: Pressure) {
    if relief.short.is_multiple_of(FORGET_EVERY) {
        hub.registry.forget_past();
    }
    if relief.short.is_multiple_of(AWAY_EVERY)
        && let Some(budget) = hub.memory.budget()
    {
        hub.instances.forget_away(budget / AWAY_PART);
    }
    if let Some(queue) = relief.narrow() {
        hub.memory.held().limit_queues(queue);
        let refuses = level == Pressure::Refuse;
        let carry = refuses.then_some(queue);
        let answers = refuses.then(|| relief.narrow_answers());
        for session in &hub.sessions {
            // Whose mailbox is full is told at the next look.
            let _ = session.try_send(Relieve { queue, carry, answers });
        }
    }
}

/// What may wait for a client. While memory is short it is halved from look to look, so that those
/// for whom most waits lose first, and those who keep up lose nothing. It stays so when there is
/// enough again, and grows slowly: otherwise slow clients would at once hold as much as before, and
/// publishers would wait for most of the time.
#[derive(Debug)]
struct Relief {
    /// What the configuration allows.
    most: usize,
    queue: usize,
    /// What may wait of a client's answers while events are refused; halved in the same way.
    answers: usize,
    /// At how many looks memory was short, since it was not.
    short: u32,
    /// When it last grew.
    widened: Duration,
}

impl Relief {
    fn new(most: usize) -> Self {
        Relief { most, queue: most, answers: MOST_ANSWERS, short: 0, widened: Duration::ZERO }
    }

    /// Memory is short: what may wait from now on, if that is less. For the first time it stays.
    fn narrow(&mut self) -> Option<usize> {
        let first = self.short == 0 && self.queue >= self.most;
        self.short += 1;
        (!first).then(|| {
            self.queue = (self.queue / 2).max(LEAST_QUEUE);
            self.queue
        })
    }

    /// Events are refused: what of its answers may wait for a client from now on.
    fn narrow_answers(&mut self) -> usize {
        self.answers = (self.answers / 2).max(LEAST_ANSWERS);
        self.answers
    }

    /// There is enough: what may wait from now on, if that is more.
    fn widen(&mut self, now: Duration) -> Option<usize> {
        self.short = 0;
        self.answers = MOST_ANSWERS;
        let grows = self.queue < self.most && now.saturating_sub(self.widened) >= WIDEN_EVERY;
        grows.then(|| {
            self.widened = now;
            self.queue = (self.queue + self.queue / 16).min(self.most);
            self.queue
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 4 << 20;

    fn widen_for(relief: &mut Relief, from: u64, seconds: u64) {
        for look in 0..seconds * 20 {
            relief.widen(Duration::from_secs(from) + Duration::from_millis(look * 50));
        }
    }

    #[test]
    fn the_past_goes_first_then_queues_by_halves() {
        let mut relief = Relief::new(MOST);
        let queues: Vec<_> = (0..9).map(|_| relief.narrow()).collect();
        let halves = [32, 16, 8, 4, 2, 1, 1, 1].map(|n| Some(n * LEAST_QUEUE));
        assert_eq!(queues, [&[None], &halves[..]].concat());
    }

    #[test]
    fn queues_grow_slowly_and_are_halved_at_once_when_memory_is_short_again() {
        let mut relief = Relief::new(MOST);
        relief.narrow();
        assert_eq!(relief.narrow(), Some(MOST / 2));
        widen_for(&mut relief, 1, 1);
        let grown = relief.queue;
        assert!((MOST / 4 * 3..MOST).contains(&grown), "{grown}");
        assert_eq!(relief.narrow(), Some(grown / 2));
    }

    #[test]
    fn it_becomes_as_it_was() {
        let mut relief = Relief::new(MOST);
        for _ in 0..20 {
            relief.narrow();
        }
        widen_for(&mut relief, 1, 10);
        assert_eq!(relief.queue, MOST);
        assert_eq!(relief.widen(Duration::from_secs(100)), None);
        assert_eq!(relief.narrow(), None, "the past goes first");
    }
}
