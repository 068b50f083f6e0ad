//! Keeps the memory budget: bounds how much memory the process may take, and tells sessions that it is
//! short.
//!
//! The hub counts the bytes that it holds for its clients ([`HeldBytes`]), so a session notices with its
//! next read that there are too many. All other memory shows in the resident memory of the process,
//! which the [`MemoryMonitor`](super::memory_monitor::MemoryMonitor) compares with the count several
//! times a second. Without a budget, one client that reads nothing could end the hub for all clients.
//!
//! When memory is short, the clients that hold more than their [`share`](super::share) are asked first.
//! The others notice nothing until the process is close to its budget.

use super::memory_sample::MemorySample;
use super::system;
use hub_core::topic::{HeldBytes, MemoryAccount};
use parking_lot::Mutex;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// States how short memory is, and what that means for publishers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum MemoryPressure {
    /// There is enough memory.
    Calm,
    /// Memory is short, so publishers wait.
    Slow,
    /// Memory is very short, so events, subscriptions and connections are refused.
    Refuse,
}

/// Holds what the memory monitor has decided from one sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MemoryDecision {
    pub level: MemoryPressure,
    /// This many bytes of the budget are used.
    pub used: usize,
    /// Until the next sample, clients above their share wait while the held bytes are at least this many.
    pub slow_from: usize,
    /// Until the next sample, owners above their share get no further connection while the held bytes are
    /// at least this many.
    pub crowded_from: usize,
    /// Until the next sample, all publishers wait while the held bytes are at least this many.
    pub stop_from: usize,
    /// Until the next sample, those who would wait are refused while the held bytes are at least this
    /// many.
    pub refuse_from: usize,
    /// Until the next sample, everybody is refused while the held bytes are at least this many, unless others
    /// are above their share and may still give.
    pub refuse_all_from: usize,
    /// Until the next sample, owners that hold no more than their reserve are served while the held bytes are
    /// fewer than this many.
    pub full_from: usize,
    /// Memory has been short for twice the grace. So whoever has not come down to its share for as long may
    /// be ended.
    pub ends: bool,
    /// Memory is short, and its use has not fallen for a grace.
    pub stuck: bool,
}

/// Holds the state of the memory, as sessions see it.
#[derive(Debug)]
pub(crate) struct Memory {
    held: Arc<HeldBytes>,
    /// This many bytes are promised.
    promised: AtomicUsize,
    /// The budget has this many bytes. `None` means that there is no budget.
    budget: Option<usize>,
    /// This many bytes may wait for a connection while there is enough memory.
    queue_bytes: usize,
    /// A client that does not come down to its share in this time is refused, and after twice the time it is
    /// ended.
    grace: Duration,
    slow_from: AtomicUsize,
    crowded_from: AtomicUsize,
    stop_from: AtomicUsize,
    refuse_from: AtomicUsize,
    refuse_all_from: AtomicUsize,
    full_from: AtomicUsize,
    /// The flag is true while those above their share may still give, or be ended, or what they have left behind
    /// is still being freed.
    others_give: AtomicBool,
    level: AtomicU8,
    used: AtomicUsize,
    samples: AtomicU64,
    waiting: Mutex<Vec<Waker>>,
    short: Notify,
}

impl Memory {
    /// Creates the state with a budget in bytes. If `budget` is 0, it is derived from the memory of
    /// the machine.
    pub(crate) fn new(
        held: Arc<HeldBytes>,
        budget: u64,
        queue_bytes: usize,
        grace: Duration,
    ) -> Self {
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
            tracing::warn!(
                "no memory budget: the operating system does not report how much memory there is"
            );
        }
        let budget = budget.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        Memory {
            held,
            promised: AtomicUsize::new(0),
            budget,
            queue_bytes,
            grace,
            slow_from: AtomicUsize::new(usize::MAX),
            crowded_from: AtomicUsize::new(usize::MAX),
            stop_from: AtomicUsize::new(usize::MAX),
            refuse_from: AtomicUsize::new(usize::MAX),
            refuse_all_from: AtomicUsize::new(usize::MAX),
            full_from: AtomicUsize::new(usize::MAX),
            others_give: AtomicBool::new(false),
            level: AtomicU8::new(MemoryPressure::Calm as u8),
            used: AtomicUsize::new(0),
            samples: AtomicU64::new(0),
            waiting: Mutex::default(),
            short: Notify::new(),
        }
    }

    /// Returns the count of the bytes that are held for clients.
    pub(crate) fn held(&self) -> &Arc<HeldBytes> {
        &self.held
    }

    pub(crate) fn budget(&self) -> Option<usize> {
        self.budget
    }

    pub(crate) fn grace(&self) -> Duration {
        self.grace
    }

    /// Returns how many bytes may wait for a connection now.
    pub(crate) fn queue_limit(&self) -> usize {
        self.queue_bytes.min(self.held.queue_limit())
    }

    /// Takes a sample of the memory.
    pub(crate) fn sample(&self) -> MemorySample {
        let (held, promised) = (self.held.get(), self.promised.load(Ordering::Relaxed));
        // Where the system does not report the resident memory, the counted bytes take its place.
        MemorySample { resident: system::resident().unwrap_or(held), held, promised }
    }

    /// Returns the count of the promised bytes, for [`Promise`](super::promise::Promise).
    pub(super) fn promised(&self) -> &AtomicUsize {
        &self.promised
    }

    /// Returns how many bytes of the budget were used at the last sample.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Returns whether there is enough memory. Each read asks this question, so the answer has to
    /// be cheap.
    pub(crate) fn is_calm(&self) -> bool {
        self.held.get() < self.slow_from.load(Ordering::Relaxed)
    }

    /// Returns how short memory is for a client. It is short for a client above its share, and for the larger
    /// clients of an owner above its share, before it is short for others. It is shorter for a client that has
    /// not come down to its share in time.
    ///
    /// A client whose owner is within its reserve notices nothing, unless the whole budget is used. Another client
    /// within its share waits for those above theirs, and is refused only when nobody is left who could give.
    /// Without an account, nothing is known of the client, and it does not wait for that.
    pub(crate) fn pressure(&self, account: Option<&MemoryAccount>) -> MemoryPressure {
        let held = self.held.get();
        if held < self.slow_from.load(Ordering::Relaxed) {
            return MemoryPressure::Calm;
        }
        if self.level() == MemoryPressure::Calm as u8 {
            self.report_short(); // What is in force is from before memory was short.
        }
        if self.has_reserve(account, held) {
            return MemoryPressure::Calm;
        }
        if let Some(account) = account.filter(|account| account.is_over_share()) {
            let had_time = account.unmet_for() >= Some(self.grace);
            return match had_time || held >= self.refuse_from.load(Ordering::Relaxed) {
                true => MemoryPressure::Refuse,
                false => MemoryPressure::Slow,
            };
        }
        let waits_for_others = account.is_some() && self.others_give.load(Ordering::Relaxed);
        if held >= self.refuse_all_from.load(Ordering::Relaxed) && !waits_for_others {
            MemoryPressure::Refuse
        } else if held >= self.stop_from.load(Ordering::Relaxed)
            || account.is_some_and(MemoryAccount::adds_to_excess)
        {
            MemoryPressure::Slow
        } else {
            MemoryPressure::Calm
        }
    }

    /// Waits while memory is short for a client. Returns whether the client may take more then; otherwise it
    /// has waited for as long as it may.
    pub(crate) async fn has_room_for(&self, account: &MemoryAccount) -> bool {
        poll_fn(|task| match self.pressure(Some(account)) {
            MemoryPressure::Calm => Poll::Ready(true),
            MemoryPressure::Refuse => Poll::Ready(false),
            MemoryPressure::Slow => {
                // There is a sample several times a second, so one that is missed here does not matter.
                self.wake_later(task.waker());
                Poll::Pending
            }
        })
        .await
    }

    /// Returns whether memory is so short that this owner may have no further connection. That is the case as
    /// soon as memory is short if the owner holds more than its share, and later if it holds more than its
    /// reserve.
    pub(crate) fn is_closed_to(&self, owner: Option<&MemoryAccount>) -> bool {
        let held = self.held.get();
        let crowded = held >= self.crowded_from.load(Ordering::Relaxed);
        if crowded && owner.is_some_and(MemoryAccount::shares_out) {
            return true;
        }
        !self.has_reserve(owner, held) && self.pressure(None) == MemoryPressure::Refuse
    }

    /// Returns whether memory is kept for this client while `held` bytes are held: its owner is within its
    /// reserve, and the budget is not used up.
    fn has_reserve(&self, account: Option<&MemoryAccount>, held: usize) -> bool {
        held < self.full_from.load(Ordering::Relaxed)
            && account.is_some_and(MemoryAccount::is_within_reserve)
    }

    /// Returns how many samples were taken. A session whose events were refused goes on after the
    /// next sample.
    pub(crate) fn samples(&self) -> u64 {
        self.samples.load(Ordering::Relaxed)
    }

    /// Has a sample taken at once, instead of when the next one is due.
    pub(crate) fn report_short(&self) {
        self.short.notify_one();
    }

    /// Returns a future that resolves when a session reports that memory is short.
    pub(crate) fn reported_short(&self) -> Notified<'_> {
        self.short.notified()
    }

    /// Wakes `waker` after the next sample.
    pub(crate) fn wake_later(&self, waker: &Waker) {
        let mut waiting = self.waiting.lock();
        if !waiting.iter().any(|known| known.will_wake(waker)) {
            waiting.push(waker.clone());
        }
    }

    /// Puts a decision in force. `asks` states whether somebody was asked to come down to its share, and has
    /// not done so yet.
    pub(crate) fn apply(&self, decision: MemoryDecision, asks: bool) {
        let nobody_gives = !asks && decision.ends && decision.stuck;
        self.others_give.store(!nobody_gives, Ordering::Relaxed);
        self.used.store(decision.used, Ordering::Relaxed);
        self.slow_from.store(decision.slow_from, Ordering::Relaxed);
        self.crowded_from.store(decision.crowded_from, Ordering::Relaxed);
        self.stop_from.store(decision.stop_from, Ordering::Relaxed);
        self.refuse_from.store(decision.refuse_from, Ordering::Relaxed);
        self.refuse_all_from.store(decision.refuse_all_from, Ordering::Relaxed);
        self.full_from.store(decision.full_from, Ordering::Relaxed);
        self.level.store(decision.level as u8, Ordering::Relaxed);
        self.samples.fetch_add(1, Ordering::Relaxed);
        // Each session decides anew for itself, because the shares have changed. The wakers are called
        // without the lock, because a waker can run any code.
        let waiting = std::mem::take(&mut *self.waiting.lock());
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Returns the level of the last sample, as a number for the metrics.
    pub(crate) fn level(&self) -> u8 {
        self.level.load(Ordering::Relaxed)
    }
}
