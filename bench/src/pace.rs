//! Keeps the pace of a run at a steady rate, and decides which time each message carries.
//!
//! If the time were taken right before the write, a slow server that kept the sender from writing
//! would stay hidden, and the worst latencies would be missing.

use crate::clock::now_ns;
use std::time::Duration;

/// Says when each message of a steady rate is due.
///
/// If an earlier write made a message late, its stamp is the time at which it was due, because the
/// server was slow and the subscribers waited. If the sender itself slept too long, the stamp is the
/// time at which the sender woke, because that delay is not the server's fault.
#[derive(Debug)]
pub(crate) struct Pace {
    interval: f64,
    start: u64,
    sent: u64,
    woke: u64,
}

impl Pace {
    pub(crate) fn new(per_second: f64) -> Self {
        let start = now_ns();
        Pace { interval: 1e9 / per_second, start, sent: 0, woke: start }
    }

    /// Sleeps until the next message is due. Returns its stamp, in nanoseconds.
    pub(crate) fn next(&mut self) -> u64 {
        let due = self.due();
        self.sent += 1;
        let now = now_ns();
        if now < due {
            std::thread::sleep(Duration::from_nanos(due - now));
            self.woke = now_ns();
        }
        due.max(self.woke)
    }

    fn due(&self) -> u64 {
        self.start + (self.sent as f64 * self.interval) as u64
    }
}

/// Makes this thread sleep as exactly as the system can. Otherwise Linux adds up to 50 µs to each
/// sleep.
pub(crate) fn sleep_exactly() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_message_is_stamped_with_when_it_was_due() {
        let mut pace = Pace::new(1000.0);
        let first = pace.next();
        assert_eq!(first, pace.start);
        // This sleep stands for a write that takes 50 ms.
        std::thread::sleep(Duration::from_millis(50));
        for message in 1..40 {
            assert_eq!(pace.next(), pace.start + message * 1_000_000);
        }
    }

    #[test]
    fn a_sender_that_overslept_stamps_when_it_woke() {
        let mut pace = Pace::new(1000.0);
        pace.next();
        pace.woke = pace.start + 5_000_000;
        std::thread::sleep(Duration::from_millis(6));
        assert_eq!(pace.next(), pace.start + 5_000_000);
    }

    #[test]
    fn nothing_is_sent_before_it_is_due() {
        let mut pace = Pace::new(2000.0);
        for message in 0..40 {
            assert!(pace.next() >= pace.start + message * 500_000);
        }
    }
}
