//! Holds the wait of a publisher for room in a subscriber's queue, and the patience that the publisher
//! has for all of its subscribers together. Without the wait, a fast publisher would overrun every slow
//! subscriber. If each subscriber had a patience of its own, k subscribers could hold a publisher k times
//! as long as one.

use hub_core::topic::SubscriberConnection;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::Sleep;

/// A publisher that publishes little gets a grace back in this many times the length of a grace.
const REFILL: u32 = 16;
/// Whether a publisher publishes much is judged by what it has published in the last one to two windows of
/// this many milliseconds.
const WINDOW_MS: u64 = 500;
/// A publisher waits at least for this part of a grace, or not at all. An active subscriber on a busy
/// machine may take nothing for some milliseconds.
const LEAST: u32 = 40;
/// A publisher that waits for a subscriber with the policy `block` looks again after this time, in case
/// the subscriber has changed.
const RECHECK: Duration = Duration::from_millis(200);

/// Bounds how long a publisher waits for subscribers whose policy is not `block`.
#[derive(Debug)]
pub(super) struct Patience {
    grace: Duration,
    /// The publisher waits for at most this long. It gets a whole grace back when it has published as
    /// much as a subscriber takes that drains, so many subscribers slow it down no more than one can.
    left: Duration,
    /// The publisher waits for at most this long for subscribers that take nothing at all meanwhile. Only
    /// time gives this back.
    for_stalled: Duration,
    /// The publisher has published this many bytes since it last got a whole grace.
    published: usize,
    refilled: Instant,
    /// The publisher has published this many bytes in the present window of time, and in the one before.
    lately: [usize; 2],
    /// The present window has this number.
    window: u64,
}

impl Patience {
    pub(super) fn new(grace_ms: u64) -> Self {
        let grace = Duration::from_millis(grace_ms);
        let refilled = Instant::now();
        let (left, for_stalled, published) = (grace, grace, 0);
        Patience { grace, left, for_stalled, published, refilled, lately: [0; 2], window: 0 }
    }

    /// Counts bytes that were published, at a time in milliseconds since the Unix epoch.
    pub(super) fn published(&mut self, bytes: usize, now_ms: u64) {
        self.published = self.published.saturating_add(bytes);
        self.lately(now_ms);
        self.lately[0] = self.lately[0].saturating_add(bytes);
    }

    /// Returns how many bytes were published in the last one to two windows, which take half a second each.
    pub(super) fn lately(&mut self, now_ms: u64) -> usize {
        let window = now_ms / WINDOW_MS;
        if window != self.window {
            // If the clock was set back, the old bytes are forgotten, too.
            let before = if window == self.window + 1 { self.lately[0] } else { 0 };
            (self.lately, self.window) = ([0, before], window);
        }
        self.lately[0].saturating_add(self.lately[1])
    }

    /// Returns for how long to wait for a subscriber, or `None` if the patience is used up. `drained` is
    /// how many bytes a subscriber takes that drains.
    pub(super) fn time_for(&mut self, drained: usize, now: Instant) -> Option<Duration> {
        let more = now.saturating_duration_since(self.refilled) / REFILL;
        self.refilled = now;
        self.left = self.grace.min(self.left + more);
        self.for_stalled = self.grace.min(self.for_stalled + more);
        if self.published >= drained {
            (self.left, self.published) = (self.grace, 0);
        }
        let least = self.grace / LEAST;
        let waits = self.left > Duration::ZERO && self.left >= least;
        waits.then(|| self.left.min(self.for_stalled.max(least)))
    }

    /// Returns how much of the patience is left after a wait that has taken so long.
    pub(super) fn left_after(&self, waited: Duration) -> Option<Duration> {
        self.left.checked_sub(waited).filter(|left| !left.is_zero())
    }

    /// Counts a wait that has ended.
    pub(super) fn count(&mut self, wait: &BackpressureWait) {
        if !wait.blocks {
            self.spend(wait.began.elapsed(), wait.took_something());
        }
    }

    /// Counts a wait. A subscriber that took something in that time is slow; otherwise it has stalled.
    fn spend(&mut self, waited: Duration, took_something: bool) {
        self.left = self.left.saturating_sub(waited);
        if !took_something {
            self.for_stalled = self.for_stalled.saturating_sub(waited);
        }
    }
}

/// Holds the subscriber for whose queue a publisher waits, and the end of the wait.
#[derive(Debug)]
pub(super) struct BackpressureWait {
    pub(super) connection: Arc<dyn SubscriberConnection>,
    pub(super) timer: Pin<Box<Sleep>>,
    began: Instant,
    /// The subscriber had taken this much when the wait began.
    taken_before: u64,
    /// If this is true, the subscriber has the policy `block`, and the wait has no end.
    blocks: bool,
}

impl BackpressureWait {
    /// Waits for a subscriber, for at most this time.
    pub(super) fn new(connection: Arc<dyn SubscriberConnection>, time: Duration) -> Self {
        Self::with(connection, time, false)
    }

    /// Waits for a subscriber with the policy `block`, for as long as it takes.
    pub(super) fn without_end(connection: Arc<dyn SubscriberConnection>) -> Self {
        Self::with(connection, RECHECK, true)
    }

    fn with(connection: Arc<dyn SubscriberConnection>, time: Duration, blocks: bool) -> Self {
        let taken_before = connection.queue().taken_bytes();
        let timer = Box::pin(tokio::time::sleep(time));
        BackpressureWait { connection, timer, began: Instant::now(), taken_before, blocks }
    }

    /// Returns when the wait began. Each wait has a time of its own.
    pub(super) fn began(&self) -> Instant {
        self.began
    }

    /// Returns whether the time of the wait is over.
    pub(super) fn is_over(&self) -> bool {
        self.timer.is_elapsed()
    }

    /// Returns for how long the session has waited, if the subscriber is slow and has not stalled.
    pub(super) fn waited_for_slow(&self) -> Option<Duration> {
        (!self.blocks && self.took_something()).then(|| self.began.elapsed())
    }

    pub(super) fn is_for(&self, connection: &dyn SubscriberConnection) -> bool {
        self.connection.number() == connection.number()
    }

    fn took_something(&self) -> bool {
        self.connection.queue().taken_bytes() != self.taken_before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn subscribers_that_take_nothing_share_one_grace_however_they_are_staggered() {
        let mut patience = Patience::new(200);
        let (mut now, mut waited) = (Instant::now(), Duration::ZERO);
        for _ in 0..100 {
            // Between two of them, the publisher publishes as much as it likes.
            patience.published(1 << 30, 0);
            if let Some(time) = patience.time_for(1 << 20, now) {
                patience.spend(time, false);
                (now, waited) = (now + time, waited + time);
            }
        }
        assert!(waited < 1_000 * MS, "{waited:?}");
    }

    #[test]
    fn many_slow_subscribers_hold_no_longer_than_one_of_them_could() {
        let mut patience = Patience::new(200);
        let (mut now, mut waited) = (Instant::now(), Duration::ZERO);
        for _ in 0..1_000 {
            patience.published(1_000, 0);
            if let Some(time) = patience.time_for(1 << 20, now) {
                let time = time - MS;
                patience.spend(time, true);
                (now, waited) = (now + time, waited + time);
            }
        }
        assert!(waited < 450 * MS, "less than two graces for a MiB: {waited:?}");
    }

    #[test]
    fn one_subscriber_that_drains_in_time_never_uses_the_patience_up() {
        let mut patience = Patience::new(200);
        let mut now = Instant::now();
        for _ in 0..100 {
            patience.published(1 << 20, 0);
            let time = patience.time_for(1 << 20, now).expect("there is patience left");
            assert_eq!(time, 200 * MS);
            patience.spend(190 * MS, true);
            now += 190 * MS;
        }
    }

    #[test]
    fn time_gives_the_patience_back() {
        let mut patience = Patience::new(200);
        let now = Instant::now();
        patience.spend(200 * MS, false);
        assert_eq!(patience.time_for(usize::MAX, now), None);
        assert_eq!(patience.time_for(usize::MAX, now + 16 * 200 * MS), Some(200 * MS));
    }

    #[test]
    fn without_a_grace_nobody_waits() {
        assert_eq!(Patience::new(0).time_for(0, Instant::now()), None);
    }

    #[test]
    fn what_was_published_a_second_ago_does_not_count_as_published_lately() {
        let mut patience = Patience::new(200);
        patience.published(100, 10_000);
        patience.published(20, 10_600);
        assert_eq!((patience.lately(10_999), patience.lately(11_000)), (120, 20));
        assert_eq!(patience.lately(12_000), 0);
    }
}
