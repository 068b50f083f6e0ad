//! Limits the rates of publishers with token buckets.
//!
//! No crate is used for the buckets, because the hub knows what a client sent only after it has read it.
//! So a bucket has to give more tokens than it holds, and be in debt. The crates for token buckets
//! refuse such a charge instead.

use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const SECOND: u128 = 1_000_000_000;

/// Holds a token bucket as one number (the generic cell rate algorithm): the time at which
/// everything that was taken so far will have flowed in again. The time is in nanoseconds of a
/// clock that all users of the bucket share.
#[derive(Debug, Default)]
pub(crate) struct Bucket(AtomicU64);

/// States how many tokens flow into a bucket each second, and for how long the bucket collects
/// them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    per_second: NonZeroU64,
    burst: u64,
}

impl Rate {
    /// Creates a rate, or returns `None` if `per_second` is 0, which means no limit.
    pub(crate) fn new(per_second: u64, burst: Duration) -> Option<Self> {
        let burst = u64::try_from(burst.as_nanos()).unwrap_or(u64::MAX).max(1);
        Some(Rate { per_second: NonZeroU64::new(per_second)?, burst })
    }

    /// Returns how many tokens can be taken now. The number is rounded up, so the last token may be
    /// there only in part.
    pub(crate) fn available(self, bucket: &Bucket, now: u64) -> u64 {
        let room = self.burst.saturating_sub(bucket.ahead(now));
        let tokens = (u128::from(room) * u128::from(self.per_second.get())).div_ceil(SECOND);
        u64::try_from(tokens).unwrap_or(u64::MAX)
    }

    /// Takes tokens, even more than the bucket holds.
    pub(crate) fn take(self, bucket: &Bucket, now: u64, tokens: u64) {
        let takes = (u128::from(tokens) * SECOND).div_ceil(u128::from(self.per_second.get()));
        let takes = u64::try_from(takes).unwrap_or(u64::MAX);
        let add = |until: u64| Some(until.max(now).saturating_add(takes));
        let _ = bucket.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// Returns how long it takes until the next token can be taken.
    pub(crate) fn wait(self, bucket: &Bucket, now: u64) -> Duration {
        match (bucket.ahead(now) + 1).checked_sub(self.burst) {
            Some(wait) => Duration::from_nanos(wait),
            None => Duration::ZERO,
        }
    }
}

impl Bucket {
    fn ahead(&self, now: u64) -> u64 {
        self.0.load(Ordering::Relaxed).saturating_sub(now)
    }

    /// Returns whether the bucket is as full as if it had never been used.
    pub(crate) fn is_full(&self, now: u64) -> bool {
        self.ahead(now) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// A client that takes all the tokens that it is offered, at any times, gets the burst and
        /// the rate, with at most one token more for each time.
        #[test]
        fn what_is_taken_is_the_rate_and_the_burst(
            per_second in 1..5_000_000_u64,
            burst_ms in 1..5_000_u64,
            steps in proptest::collection::vec(0..2_000_000_000_u64, 1..60),
        ) {
            let rate = Rate::new(per_second, Duration::from_millis(burst_ms)).unwrap();
            let bucket = Bucket::default();
            let (mut now, mut taken) = (0, 0_u128);
            for step in &steps {
                now += step;
                let tokens = rate.available(&bucket, now);
                rate.take(&bucket, now, tokens);
                taken += u128::from(tokens);
                prop_assert!(rate.available(&bucket, now) <= 1);
            }
            let time = u128::from(now) + u128::from(burst_ms) * 1_000_000;
            let most = time * u128::from(per_second) / SECOND + steps.len() as u128 + 1;
            prop_assert!(taken <= most, "{} of {}", taken, most);
        }

        /// A debt is paid in time: a client that waits for as long as it has to gets a token.
        #[test]
        fn a_debt_is_paid_by_waiting(
            per_second in 1..1_000_000_u64,
            burst_ms in 1..5_000_u64,
            tokens in 1..10_000_000_u64,
        ) {
            let rate = Rate::new(per_second, Duration::from_millis(burst_ms)).unwrap();
            let bucket = Bucket::default();
            rate.take(&bucket, 5, tokens);
            let wait = rate.wait(&bucket, 5).as_nanos() as u64;
            if wait > 0 {
                prop_assert_eq!(rate.available(&bucket, 5), 0);
            }
            prop_assert!(rate.available(&bucket, 5 + wait) > 0);
            let takes = u128::from(tokens) * SECOND / u128::from(per_second);
            let expected = takes.saturating_sub(u128::from(burst_ms) * 1_000_000);
            prop_assert!(u128::from(wait).abs_diff(expected) <= 2, "{} of {}", wait, expected);
        }
    }

    #[test]
    fn no_rate_is_no_limit() {
        assert_eq!(Rate::new(0, Duration::from_secs(1)), None);
    }
}
