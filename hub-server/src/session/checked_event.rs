//! What the check of an event finds.

use hub_scrub::Verdict;
use hub_wire::{EventFrame, RefusedCode};

/// Where it is shown what is in quarantine, each topic's under its own name.
pub(super) const QUARANTINE: &str = "$hub.quarantine";

/// The run to which an event belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RunKey {
    pub(super) topic: usize,
    /// It asks for a reply, so it goes with others that do.
    pub request: bool,
}

/// What becomes of an event that is not refused.
#[derive(Debug)]
pub(super) enum CheckedEvent<'a> {
    /// It was published or refused before the connection was cut.
    Settled,
    /// It is forwarded as it came.
    AsItCame(RunKey),
    /// Rules make something else of it.
    Changed(RunKey, EventFrame<'a>, Box<Verdict>),
}

/// Why an event is refused.
#[derive(Debug)]
pub(super) struct EventRefusal {
    pub code: RefusedCode,
    pub message: String,
    pub rule: Option<String>,
    pub path: Option<String>,
    pub follow_up: FollowUp,
}

/// What else happens to an event that is refused, or to who sent it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FollowUp {
    Nothing,
    /// What quarantine shows of it.
    Quarantine(Vec<u8>),
    /// The connection ends.
    Disconnect,
}

impl EventRefusal {
    pub(super) fn new(code: RefusedCode, why: impl ToString) -> Self {
        let message = why.to_string();
        EventRefusal { code, message, rule: None, path: None, follow_up: FollowUp::Nothing }
    }
}
