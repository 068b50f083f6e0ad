//! Writes the events of a connection to the log. Without this module, a program that reads no
//! connection events would not show why nothing arrives.

use crate::events::ConnectionEvent;
use parking_lot::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// At most one warning about slow listeners is written in this time. In a flood, the queue of a
/// listener gets full again and again.
const SLOW_EVERY: Duration = Duration::from_secs(1);

/// Writes events to the log, each at a level that says how much it matters.
#[derive(Debug, Default)]
pub(crate) struct EventLog {
    slow: Mutex<Option<Instant>>,
}

impl EventLog {
    pub(crate) fn write(&self, event: &ConnectionEvent) {
        match event {
            ConnectionEvent::Connected { resumed, publisher, .. } => {
                tracing::info!(resumed, publisher, "connected");
            }
            ConnectionEvent::Lost { reason } => tracing::warn!("the connection is lost: {reason}"),
            ConnectionEvent::Reconnecting { attempt, delay } => {
                tracing::debug!(attempt, ?delay, "connecting again");
            }
            // The listener reports the same gap as an error, and a stream yields it.
            ConnectionEvent::Gap(gap) => tracing::debug!(
                topic = gap.topic,
                from = gap.from,
                to = gap.to,
                reason = %gap.reason,
                "events are missing"
            ),
            ConnectionEvent::Slow { filter } if self.may_say_slow() => {
                tracing::warn!(filter, "a listener is slow, and events wait for it in the hub");
            }
            ConnectionEvent::Slow { filter } => tracing::debug!(filter, "a listener is slow"),
            ConnectionEvent::LeftUnhandled { filter, events } => {
                tracing::warn!(
                    filter,
                    events,
                    "a listener was taken off while events waited for it"
                );
            }
            ConnectionEvent::Draining(close) => {
                tracing::info!(code = %close.code, reason = close.reason, "the hub sends its clients away");
            }
            ConnectionEvent::Refused(refused) => tracing::warn!(
                number = refused.number,
                code = %refused.code,
                rule = refused.rule,
                "the hub refused what nobody waited for: {}",
                refused.message
            ),
            ConnectionEvent::SubscriptionLost { filter, refused } => tracing::error!(
                filter,
                code = %refused.code,
                "the hub did not restore a subscription: {}",
                refused.message
            ),
            ConnectionEvent::OutcomeUnknown { events } => {
                tracing::warn!(events, "it is unknown whether the hub accepted these events");
            }
            ConnectionEvent::Violation(what) => {
                tracing::error!("the hub broke the protocol: {what}")
            }
            // An end that the program did not want is logged where it happens, with its code.
            ConnectionEvent::Closed { reason } => tracing::debug!(reason, "closed"),
            ConnectionEvent::Missed { .. } => {}
        }
    }

    /// Returns whether the last warning about a slow listener is long enough ago.
    fn may_say_slow(&self) -> bool {
        let now = Instant::now();
        let mut last = self.slow.lock();
        let may = last.is_none_or(|last| now - last >= SLOW_EVERY);
        if may {
            *last = Some(now);
        }
        may
    }
}
