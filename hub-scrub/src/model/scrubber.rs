//! Scrubbers of the user's own, in Rust, for what rules cannot say.
//!
//! Without this trait such code would have to run before the hub, where no rule sees what it wrote.

use std::fmt;

/// A scrubber of the user's own, in Rust: what rules cannot say.
///
/// A rule names it (`scrubber = "…"`), and so gives it topics, a mode and tests. Scrubbers run in
/// the order of the rules that name them, before all rules that find something: what one of them
/// writes is looked at like what a publisher wrote. One that is given what it wrote itself must
/// change nothing; a message whose scrubbers never come to rest is quarantined.
///
/// It is called on the thread that reads from the publisher: it must not block, and must not
/// panic.
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
    /// The name by which rules call it.
    fn name(&self) -> &str;

    /// Looks at one event.
    fn scrub(&self, event: &ScrubberEvent<'_>) -> ScrubberOutcome;
}

/// An event on its way through the scrub.
#[derive(Clone, Copy)]
pub struct ScrubberEvent<'a> {
    /// Its topic.
    pub topic: &'a str,
    /// Its payload: one well-formed MessagePack value.
    pub payload: &'a [u8],
    /// Its headers: one well-formed MessagePack map.
    pub headers: Option<&'a [u8]>,
}

impl fmt::Debug for ScrubberEvent<'_> {
    /// Without its content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScrubberEvent({}, {} bytes)", self.topic, self.payload.len())
    }
}

/// What a scrubber says.
#[derive(Clone, PartialEq, Eq)]
pub enum ScrubberOutcome {
    /// Nothing to do.
    Pass,
    /// This payload in place of the one it was given.
    Replace(Vec<u8>),
    /// The rule's action (reject, quarantine, disconnect) applies.
    Hit,
}

impl fmt::Debug for ScrubberOutcome {
    /// Without content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ScrubberOutcome::Pass => "Pass",
            ScrubberOutcome::Replace(_) => "Replace",
            ScrubberOutcome::Hit => "Hit",
        })
    }
}
