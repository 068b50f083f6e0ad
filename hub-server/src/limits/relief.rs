//! Looks at the memory some times a second, and frees some when it is short.

use super::memory::{Figures, Pressure, Watch};
use super::system;
use crate::hub::Hub;
use crate::session::Relieve;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often it is looked while there is enough memory,
const EVERY: Duration = Duration::from_millis(50);
/// and while publishers have to wait for it.
const EVERY_WHEN_SHORT: Duration = Duration::from_millis(20);
/// How often accounts that nobody uses are closed.
const SWEEP: Duration = Duration::from_secs(1);
/// What may always wait for a client.
const LEAST_QUEUE: usize = 64 * 1024;
/// After so many looks the topics forget their past once more.
const FORGET_EVERY: u32 = 50;

/// Runs for as long as the hub.
pub(crate) async fn keep_within_budget(hub: Arc<Hub>) {
    let start = Instant::now();
    let grace = Duration::from_millis(hub.config.memory_grace_ms);
    let mut watch = hub.memory.budget().map(|budget| Watch::new(budget, grace));
    let (mut short, mut swept) = (0, start);
    loop {
        tokio::time::sleep(if short == 0 { EVERY } else { EVERY_WHEN_SHORT }).await;
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
            short = match verdict.level {
                Pressure::Calm => 0,
                level => {
                    relieve(&hub, short, level);
                    short + 1
                }
            };
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

/// Takes from the past first. Then what may wait for each client is halved from look to look, so
/// that those for whom most waits lose first, and those who keep up lose nothing.
fn relieve(hub: &Hub, looks: u32, level: Pressure) {
    if looks.is_multiple_of(FORGET_EVERY) {
        hub.registry.forget_past();
    }
    let halved = hub.config.queue_bytes.checked_shr(looks).unwrap_or(0);
    let queue = halved.max(LEAST_QUEUE);
    let carry = (level == Pressure::Refuse).then_some(queue);
    if looks > 0 {
        for session in &hub.sessions {
            // Whose mailbox is full is told at the next look.
            let _ = session.try_send(Relieve { queue, carry });
        }
    }
}
