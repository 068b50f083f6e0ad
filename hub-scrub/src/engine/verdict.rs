//! A verdict on a message says that it is accepted, fixed, refused or quarantined, or that its publisher is
//! disconnected.
//!
//! Apart from the renderings, a verdict contains no content of the message. Otherwise a log or a refusal
//! would show what rules hide.

use crate::model::ViewId;
use hub_wire::RefusedCode;
use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// A `Verdict` is the decision of the scrub about a message.
#[derive(Debug)]
pub enum Verdict {
    /// The message passes unchanged in all views.
    Accept,
    /// At least one view gets the message changed.
    Fixed(Box<FixedEvent>),
    /// The message is refused, and its publisher gets the refusal.
    Refuse(RuleRefusal),
    /// The message goes to quarantine, and no subscriber gets it.
    Quarantine(Quarantine),
    /// The message is refused, and the connection of its publisher ends.
    Disconnect {
        /// The rule with this name disconnects the publisher.
        rule: Arc<str>,
    },
}

impl Verdict {
    /// Returns the payload and the headers that a view gets. `payload` and `headers` must be those of the
    /// scrubbed message. Returns `None` if the message does not pass.
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

    /// Returns how many bytes the forms take that differ from the scrubbed message.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let Verdict::Fixed(fixed) = self else { return 0 };
        let parts = fixed.renderings.iter().flat_map(|one| [&one.payload, &one.headers]);
        parts.flatten().map(Vec::len).sum()
    }
}

/// A `FixedEvent` is a message that at least one view gets changed.
#[derive(Debug)]
pub struct FixedEvent {
    pub(super) renderings: Vec<Rendering>,
    /// The entry at the number of a view is the index of its rendering.
    pub(super) of_view: Vec<u16>,
}

/// A `Rendering` has the payload and the headers of a message as some views get them. A part that did not
/// change is `None`. The debug output shows only lengths.
#[derive(Default, PartialEq, Eq)]
pub(super) struct Rendering {
    pub(super) payload: Option<Vec<u8>>,
    pub(super) headers: Option<Vec<u8>>,
}

impl FixedEvent {
    /// Returns the number of the rendering that a view gets. Views with equal numbers get equal bytes, so
    /// it is enough to build one frame for each number.
    #[must_use]
    pub fn rendering_of(&self, view: ViewId) -> usize {
        // A view that this plan does not know gets what the least privileged view gets.
        let number = self.of_view.get(view.index()).or(self.of_view.first());
        number.map_or(0, |number| usize::from(*number))
    }

    /// Returns how many different renderings there are.
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

/// A `RuleRefusal` says why a message is refused. It contains no content of the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleRefusal {
    /// The frame REFUSED gets this code.
    pub code: RefusedCode,
    /// The rule with this name refuses the message.
    pub rule: Arc<str>,
    /// The find is at this path in the payload. A path that begins with `$headers` is in the headers, and
    /// `$topic` means the topic's name. Keys that no rule names are written as `*`. If a schema is violated,
    /// this is the path of the violated keyword in the schema.
    pub path: String,
}

/// A `Quarantine` says why a message is in quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantine {
    /// If a rule was the cause, it has this name.
    pub rule: Option<Arc<str>>,
    /// The message is in quarantine for this reason.
    pub reason: QuarantineReason,
}

impl Quarantine {
    /// Returns whether the action of a rule is the reason.
    pub(crate) fn by_rule(&self) -> bool {
        self.reason == QuarantineReason::Rule
    }
}

/// A `QuarantineReason` is the reason for which a message is in quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum QuarantineReason {
    /// The action of a rule is `quarantine`.
    #[error("a rule says so")]
    Rule,
    /// The scrub of the message needs more steps than the budget has.
    #[error("over the budget of steps")]
    Steps,
    /// The message has more bytes than the budget allows.
    #[error("over the budget of bytes")]
    Bytes,
    /// There are more finds in the message than the budget allows.
    #[error("over the budget of matches")]
    Matches,
    /// Each scrub of the message changes it again.
    #[error("the rules do not come to rest")]
    Unsettled,
    /// A map has a key that is a map or an array.
    #[error("a key that is a container")]
    ContainerKey,
    /// After a rule has changed the headers, they are no longer valid.
    #[error("its headers do not survive the rules")]
    Headers,
    /// A scrubber returned bytes that are not one MessagePack value.
    #[error("a scrubber returned malformed bytes")]
    BadScrubber,
    /// The message is not valid MessagePack. The walker refuses such messages, so this shows an
    /// error in the program that calls the engine.
    #[error("malformed")]
    Malformed,
}
