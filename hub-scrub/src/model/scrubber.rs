//! With the trait [`Scrubber`], users write checks in Rust that rules cannot express.
//!
//! Without this trait, such code would have to run before the hub, and no rule would check what it writes.

use std::fmt;

/// A `Scrubber` is code in Rust that a rule calls by its name, for what rules cannot express.
///
/// The rule names the scrubber (`scrubber = "…"`) and decides on which topics and in which mode
/// the scrubber runs. The tests of the rule test the scrubber. Scrubbers run in the order of the rules that
/// name them, and before all other rules. So rules check what a scrubber writes as if a publisher had
/// written it. A scrubber that gets its own output must leave it unchanged. A message whose scrubbers never
/// settle is quarantined.
///
/// The hub calls a scrubber on the thread that reads from the publisher, so a scrubber must not block. If the
/// scrub of the event turns out to be costly, the hub begins again on another thread, and calls the scrubber
/// once more. If a scrubber panics, the event is quarantined.
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
    /// Returns the name by which rules call the scrubber.
    fn name(&self) -> &str;

    /// Checks one event.
    fn scrub(&self, event: &ScrubberEvent<'_>) -> ScrubberOutcome;
}

/// A `ScrubberEvent` is the event that a scrubber checks.
#[derive(Clone, Copy)]
pub struct ScrubberEvent<'a> {
    /// The event has this topic.
    pub topic: &'a str,
    /// The payload is one well-formed MessagePack value.
    pub payload: &'a [u8],
    /// The headers are one well-formed MessagePack map. An event without headers has `None`.
    pub headers: Option<&'a [u8]>,
}

impl fmt::Debug for ScrubberEvent<'_> {
    /// Writes the topic and the length of the payload, and no content of the event.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScrubberEvent({}, {} bytes)", self.topic, self.payload.len())
    }
}

/// A `ScrubberOutcome` is the decision of a scrubber about an event.
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
    /// Writes the name of the variant, and no content of the event.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ScrubberOutcome::Pass => "Pass",
            ScrubberOutcome::Replace(_) => "Replace",
            ScrubberOutcome::Hit => "Hit",
        })
    }
}
