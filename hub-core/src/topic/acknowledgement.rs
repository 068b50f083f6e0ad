//! States on which terms the events of a subscription are acknowledged.
//!
//! Without acknowledgement, an event would count as finished as soon as a client has read it, however
//! badly its handler fared.

use hub_wire::TopicName;
use std::time::Duration;

/// States the terms of acknowledgement of one subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AckPolicy {
    /// A handler has so long for an event, from the moment at which the hub sends it.
    pub timeout: Duration,
    /// An event is given at most this often before it is given up.
    pub attempts: u32,
    /// The hub waits for this long after the first failure, and twice as long after each further one.
    pub backoff: Duration,
    /// Events that are given up are published to this topic.
    pub dead_letter: Option<TopicName>,
    /// If this is true, the events of one key are given one at a time, in their order.
    pub ordered: bool,
}

/// Says why a handler did not finish events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The reason for people. It is part of a dead letter.
    pub reason: String,
    /// If this is true, no further attempt is made.
    pub rejected: bool,
}
