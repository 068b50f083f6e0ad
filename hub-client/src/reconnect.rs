//! Computes the waiting times between attempts to reconnect: exponential backoff with full jitter.
//! Without the jitter, all clients of a hub would come back in one moment, and again at each
//! failure.

use std::time::Duration;

/// Computes the waiting times between attempts. Each time is random between zero and a bound that
/// doubles with each attempt.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    min: Duration,
    max: Duration,
    attempt: u32,
}

impl Backoff {
    pub(crate) fn new(min: Duration, max: Duration) -> Self {
        Backoff { min: min.min(max), max, attempt: 0 }
    }

    /// Returns how many attempts there were since the last success.
    pub(crate) fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Starts again with the smallest bound, after a connection that worked.
    pub(crate) fn succeeded(&mut self) {
        self.attempt = 0;
    }

    /// Returns how long to wait before the next attempt. The wait is at least `at_least`, which the
    /// hub asked for.
    pub(crate) fn next(&mut self, at_least: Duration) -> Duration {
        let delay = self.bound().mul_f64(random_fraction());
        self.attempt = self.attempt.saturating_add(1);
        at_least + delay
    }

    /// Returns the longest wait before the next attempt.
    fn bound(&self) -> Duration {
        let factor = 1_u32.checked_shl(self.attempt).unwrap_or(u32::MAX);
        self.min.saturating_mul(factor).min(self.max)
    }
}

/// Returns a random number from 0 to 1. If the system gives no random numbers, the result is 0.5.
/// In this case there is no jitter, but still a wait.
fn random_fraction() -> f64 {
    getrandom::u32().map_or(0.5, |random| f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_up_to_the_maximum_and_starts_anew() {
        let ms = Duration::from_millis;
        let mut backoff = Backoff::new(ms(50), ms(300));
        for bound in [50, 100, 200, 300, 300] {
            assert_eq!(backoff.bound(), ms(bound));
            assert!(backoff.next(Duration::ZERO) <= ms(bound));
        }
        for _ in 0..100 {
            backoff.next(Duration::ZERO);
        }
        assert_eq!(backoff.bound(), ms(300));
        backoff.succeeded();
        assert_eq!((backoff.bound(), backoff.attempt()), (ms(50), 0));
    }

    #[test]
    fn delays_are_spread_and_never_shorter_than_the_hub_asked() {
        let ms = Duration::from_millis;
        let delays: Vec<_> =
            (0..200).map(|_| Backoff::new(ms(100), ms(100)).next(ms(1000))).collect();
        assert!(delays.iter().all(|delay| (ms(1000)..=ms(1100)).contains(delay)));
        assert!(delays.iter().any(|d| *d < ms(1050)) && delays.iter().any(|d| *d > ms(1050)));
    }
}
