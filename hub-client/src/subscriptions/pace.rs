//! Sizes the window of a member of a queue group by the pace of its listener. Without this module,
//! events would wait at a slow member while another member is idle.

use std::time::Duration;
use tokio::time::Instant;

/// A member of a queue group has about as many events on their way as it finishes in this time.
const AHEAD: Duration = Duration::from_millis(2);

/// Sizes the window of a member of a queue group, so that what is on its way to the member takes the
/// listener about [`AHEAD`]. Events that wait at one member cannot be given to another one that is
/// idle.
#[derive(Debug)]
pub(super) struct Pace {
    least: u64,
    /// The window was last sized at this time, when so many events were finished.
    since: Instant,
    taken: u64,
}

impl Pace {
    /// Makes the pace of a listener whose window is at least `least`.
    pub(super) fn new(least: u64, now: Instant) -> Self {
        Pace { least, since: now, taken: 0 }
    }

    /// Returns the window for a listener that has finished `taken` events by now. It is at most twice
    /// the present `window`, and at most `most`. Returns `None` if the window cannot grow, or if
    /// the listener has finished nothing since the last call.
    pub(super) fn window(
        &mut self,
        window: u64,
        most: u64,
        taken: u64,
        now: Instant,
    ) -> Option<u64> {
        if most <= self.least || taken <= self.taken {
            return None;
        }
        let (finished, time) = (taken - self.taken, now - self.since);
        (self.taken, self.since) = (taken, now);
        let rate = finished as f64 / time.as_secs_f64().max(1e-6);
        let ahead = (rate * AHEAD.as_secs_f64()) as u64;
        Some((self.least + ahead).min(most.min(2 * window)).max(self.least))
    }
}
