//! An interrupt ends a pass early, because a rule decides about the whole message or the budget is spent.
//!
//! Without it, a pass would go on over a message whose verdict is certain.

use super::verdict::QuarantineReason;

/// An `Interrupt` says why a pass ends before the end of the message. The cause is boxed, because it is rare
/// and would make most results of the engine larger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Interrupt(pub(super) Box<InterruptCause>);

/// An `InterruptCause` is what ends a pass early. A `rule` is the number of a rule in its plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum InterruptCause {
    Refuse { rule: usize, path: String },
    Quarantine { rule: Option<usize>, reason: QuarantineReason },
    Disconnect { rule: usize },
}

impl From<QuarantineReason> for Interrupt {
    fn from(reason: QuarantineReason) -> Interrupt {
        InterruptCause::Quarantine { rule: None, reason }.into()
    }
}

impl From<InterruptCause> for Interrupt {
    fn from(cause: InterruptCause) -> Interrupt {
        Interrupt(Box::new(cause))
    }
}
