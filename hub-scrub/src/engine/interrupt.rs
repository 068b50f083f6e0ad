//! What ends a pass early: a rule that refuses the message, or a budget that is spent.
//!
//! Without it a pass would go on over a message whose fate is decided.

use super::verdict::QuarantineReason;

/// Why a pass ends before the end of the message. It is boxed, because it is rare and most results
/// of the engine could hold one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Interrupt(pub(super) Box<InterruptCause>);

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
