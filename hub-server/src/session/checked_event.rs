//! Defines the results of the check of an event. The modules that check hand them to the modules
//! that gather. Without these types, each side would have to know the other.

use hub_scrub::{Plan, Verdict};
use hub_wire::{EventFrame, RefusedCode};
use std::sync::Arc;

/// Notices about quarantined events are published below this name. The notices for a topic have a
/// topic of their own, whose name is this name, a dot, and the name of the topic.
pub(super) const QUARANTINE: &str = "$hub.quarantine";

/// Identifies the run to which an event belongs. Events with equal keys can share a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RunKey {
    pub(super) topic: usize,
    /// The event asks for a reply if this flag is true. Requests are in runs of their own.
    pub request: bool,
}

/// The result of a scrub is `None` if the event passes as it came, and a verdict with its new forms if rules
/// change it.
pub(super) type Scrubbed = Result<Option<Box<Verdict>>, EventRefusal>;

/// Holds the result of a scrub on another thread until the session takes the event in again.
#[derive(Debug)]
pub(super) struct ScrubbedElsewhere {
    /// The event has this publish number.
    pub number: u64,
    /// The event was scrubbed under the rules of this generation.
    pub generation: u64,
    pub scrubbed: Scrubbed,
}

impl ScrubbedElsewhere {
    /// Returns how many bytes the result takes.
    pub(super) fn bytes(&self) -> usize {
        match &self.scrubbed {
            Ok(verdict) => verdict.as_ref().map_or(0, |verdict| verdict.bytes()),
            Err(EventRefusal { follow_up: FollowUp::Quarantine(shown), .. }) => shown.len(),
            Err(_) => 0,
        }
    }
}

/// States what happens to an event that is not refused.
#[derive(Debug)]
pub(super) enum CheckedEvent<'a> {
    /// An earlier connection of this instance has published or refused the event already.
    Settled,
    /// The event is forwarded as it came.
    AsItCame(RunKey),
    /// Rules change the event, and the verdict contains the changed forms.
    Changed(RunKey, EventFrame<'a>, Box<Verdict>),
    /// The event has to be scrubbed under this plan on another thread, and then to be checked again.
    Costly(Arc<Plan>),
}

/// States why an event is refused, and what a rule asks for besides the refusal.
#[derive(Debug)]
pub(super) struct EventRefusal {
    pub code: RefusedCode,
    pub message: String,
    pub rule: Option<String>,
    pub path: Option<String>,
    pub follow_up: FollowUp,
}

/// States what a rule asks for besides the refusal of the event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FollowUp {
    Nothing,
    /// The rule asks the hub to publish this notice about the event in the quarantine.
    Quarantine(Vec<u8>),
    /// The rule asks the hub to end the connection.
    Disconnect,
}

impl EventRefusal {
    pub(super) fn new(code: RefusedCode, why: impl ToString) -> Self {
        let message = why.to_string();
        EventRefusal { code, message, rule: None, path: None, follow_up: FollowUp::Nothing }
    }
}
