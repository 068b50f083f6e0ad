//! The memory budget: how much the process may take, and how sessions see that it is short.
//!
//! What the hub holds for its clients is counted as it comes and goes ([`HeldBytes`]), so that a
//! session sees at its next read that it is too much. Everything else shows in the memory that the
//! operating system says the process has, which the
//! [`MemoryMonitor`](super::memory_monitor::MemoryMonitor) compares with the count some times a second.
//! Without a budget, one client that reads nothing could end the hub for all.

use super::system;
use hub_core::topic::HeldBytes;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::task::Waker;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// How the memory stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum MemoryPressure {
    /// There is enough.
    Calm,
    /// Publishers wait.
    Slow,
    /// Events, subscriptions and connections are refused.
    Refuse,
}

/// What a look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MemoryDecision {
    pub level: MemoryPressure,
    /// What is used of the budget.
    pub used: usize,
    /// The bytes of held memory from which publishers wait, until the next observation.
    pub slow_from: usize,
    /// The bytes of held memory from which events are refused, until the next observation.
    pub refuse_from: usize,
}

/// Where sessions see how the memory stands.
#[derive(Debug)]
pub(crate) struct Memory {
    held: Arc<HeldBytes>,
    /// In bytes, if there is a budget.
    budget: Option<usize>,
    /// What may wait for a connection while there is enough.
    queue_bytes: usize,
    slow_from: AtomicUsize,
    refuse_from: AtomicUsize,
    level: AtomicU8,
    used: AtomicUsize,
    looks: AtomicU64,
    waiting: Mutex<Vec<Waker>>,
    short: Notify,
}

impl Memory {
    /// With a budget of so many bytes; 0 derives one.
    pub(crate) fn new(held: Arc<HeldBytes>, budget: u64, queue_bytes: usize) -> Self {
        let budget = match budget {
            0 => system::derived_budget().map(|derived| {
                tracing::info!(budget = derived.bytes, from = %derived.from, "memory budget");
                derived.bytes
            }),
            set => {
                tracing::info!(budget = set, from = "memory_bytes", "memory budget");
                Some(set)
            }
        };
        if budget.is_none() {
            tracing::warn!("no memory budget: the system does not say how much memory there is");
        }
        let budget = budget.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        Memory {
            held,
            budget,
            queue_bytes,
            slow_from: AtomicUsize::new(usize::MAX),
            refuse_from: AtomicUsize::new(usize::MAX),
            level: AtomicU8::new(MemoryPressure::Calm as u8),
            used: AtomicUsize::new(0),
            looks: AtomicU64::new(0),
            waiting: Mutex::default(),
            short: Notify::new(),
        }
    }

    /// The count of what is held for clients.
    pub(crate) fn held(&self) -> &Arc<HeldBytes> {
        &self.held
    }

    pub(crate) fn budget(&self) -> Option<usize> {
        self.budget
    }

    /// What may wait for a connection now.
    pub(crate) fn queue_limit(&self) -> usize {
        self.queue_bytes.min(self.held.queue_limit())
    }

    /// What was used of the budget at the last look.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether there is enough; the one question of the hot path.
    pub(crate) fn is_calm(&self) -> bool {
        self.held.get() < self.slow_from.load(Ordering::Relaxed)
    }

    pub(crate) fn pressure(&self) -> MemoryPressure {
        if self.is_calm() {
            MemoryPressure::Calm
        } else if self.held.get() >= self.refuse_from.load(Ordering::Relaxed) {
            MemoryPressure::Refuse
        } else {
            MemoryPressure::Slow
        }
    }

    /// How often it was looked: who is refused comes again after the next look.
    pub(crate) fn looks(&self) -> u64 {
        self.looks.load(Ordering::Relaxed)
    }

    /// Has somebody look now, and not only when it is time.
    pub(crate) fn report_short(&self) {
        self.short.notify_one();
    }

    /// Somebody found memory short.
    pub(crate) fn reported_short(&self) -> Notified<'_> {
        self.short.notified()
    }

    /// Has `waker` woken after the next look at which publishers need not wait.
    pub(crate) fn wake_later(&self, waker: &Waker) {
        let mut waiting = self.waiting.lock();
        if !waiting.iter().any(|known| known.will_wake(waker)) {
            waiting.push(waker.clone());
        }
    }

    /// Puts a decision into force.
    pub(crate) fn apply(&self, decision: MemoryDecision) {
        self.used.store(decision.used, Ordering::Relaxed);
        self.slow_from.store(decision.slow_from, Ordering::Relaxed);
        self.refuse_from.store(decision.refuse_from, Ordering::Relaxed);
        self.level.store(decision.level as u8, Ordering::Relaxed);
        self.looks.fetch_add(1, Ordering::Relaxed);
        if self.pressure() != MemoryPressure::Slow {
            // Not under the lock: a waker can be code of any kind.
            let waiting = std::mem::take(&mut *self.waiting.lock());
            waiting.into_iter().for_each(Waker::wake);
        }
    }

    /// The level at the last look.
    pub(crate) fn level(&self) -> u8 {
        self.level.load(Ordering::Relaxed)
    }
}
