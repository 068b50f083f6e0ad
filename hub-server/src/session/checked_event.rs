//! The results of the check of an event, between the modules that check and those that gather. Without these
//! types each would have to know the other.

use hub_scrub::Verdict;
use hub_wire::{EventFrame, RefusedCode};

/// The topic under which notices about quarantined events are published: each topic has a notice
/// topic with its own name at the end.
pub(super) const QUARANTINE: &str = "$hub.quarantine";

/// The run to which an event belongs: events with equal keys can share a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RunKey {
    pub(super) topic: usize,
    /// Whether the event asks for a reply. Requests are in runs of their own.
    pub request: bool,
}

/// What happens to an event that is not refused.
#[derive(Debug)]
pub(super) enum CheckedEvent<'a> {
    /// An earlier connection of this instance has published or refused the event already.
    Settled,
    /// The event is forwarded as it came.
    AsItCame(RunKey),
    /// Rules change the event; the verdict has what it becomes.
    Changed(RunKey, EventFrame<'a>, Box<Verdict>),
}

/// Why an event is refused, and what else a rule asks for.
#[derive(Debug)]
pub(super) struct EventRefusal {
    pub code: RefusedCode,
    pub message: String,
    pub rule: Option<String>,
    pub path: Option<String>,
    pub follow_up: FollowUp,
}

/// What a rule asks for besides the refusal of the event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FollowUp {
    Nothing,
    /// To publish this notice about the event in the quarantine.
    Quarantine(Vec<u8>),
    /// To end the connection.
    Disconnect,
}

impl EventRefusal {
    pub(super) fn new(code: RefusedCode, why: impl ToString) -> Self {
        let message = why.to_string();
        EventRefusal { code, message, rule: None, path: None, follow_up: FollowUp::Nothing }
    }
}
