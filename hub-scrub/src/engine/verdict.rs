//! What becomes of a message: it passes, passes changed, is refused, or goes to quarantine.
//!
//! Nothing in a verdict is content of the message, apart from what a view gets. Otherwise a log
//! or a refusal would show what rules hide.

use crate::model::ViewId;
use hub_wire::RefusedCode;
use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// What becomes of a message.
#[derive(Debug)]
pub enum Verdict {
    /// It passes as it is, in all views.
    Accept,
    /// At least one view gets it changed.
    Fixed(Box<FixedEvent>),
    /// The publisher is refused.
    Refuse(RuleRefusal),
    /// It goes to quarantine, and nowhere else.
    Quarantine(Quarantine),
    /// The publisher's connection ends.
    Disconnect {
        /// The rule that says so.
        rule: Arc<str>,
    },
}

impl Verdict {
    /// Payload and headers for a view, of the message whose `payload` and `headers` these are;
    /// nothing for one that does not pass.
    #[must_use]
    pub fn render<'a>(
        &'a self,
        view: ViewId,
        payload: &'a [u8],
        headers: Option<&'a [u8]>,
    ) -> Option<(&'a [u8], Option<&'a [u8]>)> {
        match self {
            Verdict::Accept => Some((payload, headers)),
            Verdict::Fixed(fixed) => {
                let rendering = fixed.rendering(view);
                let payload = rendering.payload.as_deref().unwrap_or(payload);
                Some((payload, headers.map(|map| rendering.headers.as_deref().unwrap_or(map))))
            }
            _ => None,
        }
    }
}

/// What a message has become, for each view.
#[derive(Debug)]
pub struct FixedEvent {
    pub(super) renderings: Vec<Rendering>,
    /// For each view, its frame.
    pub(super) of_view: Vec<u16>,
}

/// Payload and headers, as far as they changed. A debug output shows lengths alone.
#[derive(Default, PartialEq, Eq)]
pub(super) struct Rendering {
    pub(super) payload: Option<Vec<u8>>,
    pub(super) headers: Option<Vec<u8>>,
}

impl FixedEvent {
    /// Which of the distinct renderings a view gets: build one for each number, not for each view.
    #[must_use]
    pub fn rendering_of(&self, view: ViewId) -> usize {
        // A view that this plan does not know is the least privileged one.
        let number = self.of_view.get(view.index()).or(self.of_view.first());
        number.map_or(0, |number| usize::from(*number))
    }

    /// How many distinct renderings there are.
    #[must_use]
    pub fn renderings(&self) -> usize {
        self.renderings.len()
    }

    fn rendering(&self, view: ViewId) -> &Rendering {
        &self.renderings[self.rendering_of(view)]
    }
}

impl fmt::Debug for Rendering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(Vec::len);
        write!(f, "Rendering({:?}, {:?} bytes)", len(&self.payload), len(&self.headers))
    }
}

/// Why the publisher is refused. Nothing in it is content of the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleRefusal {
    /// The code for REFUSED.
    pub code: RefusedCode,
    /// The rule.
    pub rule: Arc<str>,
    /// Where in the payload (`$headers.…`: in the headers; `$topic`: in the topic's name). Keys that no rule
    /// names are `*`. For a schema: where in the schema.
    pub path: String,
}

/// Why a message is in quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantine {
    /// The rule that was at work, if it was one.
    pub rule: Option<Arc<str>>,
    /// The reason.
    pub reason: QuarantineReason,
}

impl Quarantine {
    pub(crate) fn by_rule(&self) -> bool {
        self.reason == QuarantineReason::Rule
    }
}

/// Why a message is in quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum QuarantineReason {
    /// A rule says so.
    #[error("a rule says so")]
    Rule,
    /// It needs more steps than the budget has.
    #[error("over the budget of steps")]
    Steps,
    /// It has more bytes than the budget allows.
    #[error("over the budget of bytes")]
    Bytes,
    /// There is more to find in it than the budget allows.
    #[error("over the budget of matches")]
    Matches,
    /// Scrubbing it again and again changes it each time.
    #[error("the rules do not come to rest")]
    Unsettled,
    /// A map has a key that is a map or an array.
    #[error("a key that is a container")]
    ContainerKey,
    /// Its headers are no longer valid ones after a rule changed them.
    #[error("its headers do not survive the rules")]
    Headers,
    /// A scrubber of the user's own returned bytes that are no MessagePack.
    #[error("a scrubber returned malformed bytes")]
    BadScrubber,
    /// It is not the validated MessagePack that the engine expects.
    #[error("malformed")]
    Malformed,
}
