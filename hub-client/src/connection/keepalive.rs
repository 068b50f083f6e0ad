//! Implements the keep-alive of a connection: it decides when a PING is due, and when the
//! connection counts as lost. Without the keep-alive, a client would wait for ever for a hub that
//! is gone.

use std::time::Duration;
use tokio::time::Instant;

/// Measures the silence in both directions.
///
/// A PING is due if nothing was received, or nothing was sent, for the keep-alive time. If nothing
/// was received, the client learns from the PONG whether the hub is there. If nothing was sent, the
/// hub learns from the PING that the client is there.
#[derive(Debug)]
pub(crate) struct Keepalive {
    every: Duration,
    received: Instant,
    sent: Instant,
    /// At this moment, the PING was sent that has no answer yet.
    asked: Option<Instant>,
}

/// States what the session has to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    Ping,
    /// The hub was silent for this time, and the connection counts as lost.
    Lost(Duration),
}

impl Keepalive {
    pub(crate) fn new(every: Duration, now: Instant) -> Self {
        let every = every.max(Duration::from_millis(1));
        Keepalive { every, received: now, sent: now, asked: None }
    }

    /// Notes that bytes were received. The session also calls this function while it does not read
    /// on purpose, because silence then means nothing.
    pub(crate) fn received(&mut self, now: Instant) {
        self.received = now;
        self.asked = None;
    }

    /// Notes that bytes were sent.
    pub(crate) fn sent(&mut self, now: Instant) {
        self.sent = now;
    }

    /// Returns when to call [`Keepalive::due`] next.
    pub(crate) fn deadline(&self) -> Instant {
        let lost = match self.asked {
            Some(asked) => (self.received + self.every * 2).max(asked + self.every),
            None => self.received + self.every,
        };
        lost.min(self.sent + self.every)
    }

    /// Returns what has to be done now.
    pub(crate) fn due(&mut self, now: Instant) -> Due {
        let silence = now.saturating_duration_since(self.received);
        let unanswered = self.asked.is_some_and(|asked| now >= asked + self.every);
        if silence >= self.every * 2 && unanswered {
            return Due::Lost(silence);
        }
        let ask = silence >= self.every && self.asked.is_none();
        if ask {
            self.asked = Some(now);
        }
        if ask || now >= self.sent + self.every {
            // The PING counts as sent even if the socket does not take it yet. Otherwise more PINGs
            // would pile up behind it.
            self.sent = now;
            return Due::Ping;
        }
        Due::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_asked_about_and_then_counts_as_loss() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut keepalive = Keepalive::new(Duration::from_millis(100), start);
        assert_eq!(keepalive.due(at(99)), Due::Nothing);
        assert_eq!(keepalive.deadline(), at(100));
        assert_eq!(keepalive.due(at(100)), Due::Ping);
        assert_eq!(keepalive.due(at(150)), Due::Nothing);
        assert_eq!(keepalive.deadline(), at(200));
        assert_eq!(keepalive.due(at(200)), Due::Lost(Duration::from_millis(200)));
        keepalive.received(at(201));
        assert_eq!(keepalive.due(at(210)), Due::Ping, "the hub heard nothing since 100 ms");
        assert_eq!(keepalive.due(at(211)), Due::Nothing);
        assert_eq!(keepalive.due(at(310)), Due::Ping);
    }

    #[test]
    fn a_loss_is_never_declared_without_having_asked() {
        let start = Instant::now();
        let mut keepalive = Keepalive::new(Duration::from_millis(100), start);
        let late = start + Duration::from_secs(9);
        assert_eq!(keepalive.due(late), Due::Ping, "the machine slept, not the hub");
        assert_eq!(keepalive.due(late + Duration::from_millis(99)), Due::Nothing);
        assert!(matches!(keepalive.due(late + Duration::from_millis(100)), Due::Lost(_)));
    }
}
