//! Defines the terms on which a subscriber acknowledges events.
//!
//! Without acknowledgement, an event counts as finished when its listener has returned, also if the
//! listener has failed.

use hub_wire::{AckTerms, TopicName};
use std::time::Duration;

/// States on which terms a subscriber acknowledges events. See
/// [`SubscribeOptions::acknowledge`](super::SubscribeOptions::acknowledge).
///
/// A listener that returns `Ok` or nothing acknowledges its event. After an error, a panic or too
/// long a time, the event is given again: to this subscription, or to any member of its queue group.
///
/// ```
/// use hub_core::emitter::{Acknowledge, SubscribeOptions};
/// use std::time::Duration;
///
/// let terms = Acknowledge::new().attempts(3).timeout(Duration::from_secs(10));
/// let options = SubscribeOptions::new().group("billing").acknowledge(terms);
/// # drop(options);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledge {
    terms: AckTerms,
}

impl Default for Acknowledge {
    /// Returns terms of 30 seconds, 5 attempts and a first backoff of 100 milliseconds, without a
    /// dead-letter topic.
    fn default() -> Self {
        Acknowledge { terms: AckTerms::default() }
    }
}

impl Acknowledge {
    /// Returns the defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how long a listener has for one event. [`Message::still_working`](super::Message::still_working) lets the time begin
    /// anew. The shortest time is one millisecond.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.terms.timeout_ms = millis(timeout).max(1);
        self
    }

    /// Sets how often an event is given before it is given up. The smallest number is 1.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.terms.attempts = attempts.max(1);
        self
    }

    /// Sets how long the hub waits after the first failure. Each further failure doubles the time, up
    /// to a minute.
    #[must_use]
    pub fn backoff(mut self, backoff: Duration) -> Self {
        self.terms.backoff_ms = millis(backoff);
        self
    }

    /// Sets the topic to which events go that are given up. Headers that begin with `$dead.` state
    /// the origin of the event and the reason. Without such a topic, a gap tells the listener.
    #[must_use]
    pub fn dead_letter(mut self, topic: &TopicName) -> Self {
        self.terms.dead_letter = Some(topic.as_str().to_owned());
        self
    }

    /// Lets the hub give the events of one key (header `key`) one at a time, in their order, also to
    /// different members of a queue group.
    #[must_use]
    pub fn ordered(mut self) -> Self {
        self.terms.ordered = true;
        self
    }

    /// Returns the terms as a SUBSCRIBE frame states them.
    #[must_use]
    pub fn terms(&self) -> &AckTerms {
        &self.terms
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
