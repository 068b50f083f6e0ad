//! A user's own scrubbers in Rust, for what rules cannot express.
//!
//! Without this trait, such code would have to run before the hub, and no rule would check what it writes.

use std::fmt;

/// A user's own scrubber in Rust, for what rules cannot express.
///
/// A rule names the scrubber (`scrubber = "…"`), and so decides on which topics and in which mode
/// it runs, and tests it. Scrubbers run in the order of the rules that name them, and before all
/// other rules. So rules check what a scrubber writes as if a publisher had written it. A scrubber
/// that gets its own output must leave it unchanged; a message whose scrubbers never settle is
/// quarantined.
///
/// The hub calls it on the thread that reads from the publisher, so it must not block. If it
/// panics, the event is quarantined.
///
/// ```
/// use hub_scrub::{Scrubber, ScrubberEvent, ScrubberOutcome};
///
/// /// Finds payloads that are one empty map.
/// struct NoEmptyMaps;
///
/// impl Scrubber for NoEmptyMaps {
///     fn name(&self) -> &str {
///         "no-empty-maps"
///     }
///
///     fn scrub(&self, event: &ScrubberEvent<'_>) -> ScrubberOutcome {
///         if event.payload == [0x80] { ScrubberOutcome::Hit } else { ScrubberOutcome::Pass }
///     }
/// }
/// ```
pub trait Scrubber: Send + Sync {
    /// The name by which rules call the scrubber.
    fn name(&self) -> &str;

    /// Checks one event.
    fn scrub(&self, event: &ScrubberEvent<'_>) -> ScrubberOutcome;
}

/// The event that a scrubber checks.
#[derive(Clone, Copy)]
pub struct ScrubberEvent<'a> {
    /// The topic of the event.
    pub topic: &'a str,
    /// The payload: one well-formed MessagePack value.
    pub payload: &'a [u8],
    /// The headers: one well-formed MessagePack map.
    pub headers: Option<&'a [u8]>,
}

impl fmt::Debug for ScrubberEvent<'_> {
    /// It shows no content of the event.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScrubberEvent({}, {} bytes)", self.topic, self.payload.len())
    }
}

/// What a scrubber decides about an event.
#[derive(Clone, PartialEq, Eq)]
pub enum ScrubberOutcome {
    /// The scrubber leaves the event alone.
    Pass,
    /// This payload replaces the payload of the event.
    Replace(Vec<u8>),
    /// The action of the rule (reject, quarantine, disconnect) applies.
    Hit,
}

impl fmt::Debug for ScrubberOutcome {
    /// It shows no content of the event.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ScrubberOutcome::Pass => "Pass",
            ScrubberOutcome::Replace(_) => "Replace",
            ScrubberOutcome::Hit => "Hit",
        })
    }
}
