//! The hub's refusal, as the errors of all operations carry it. Without it a program could not tell what it
//! has to change from what it only has to try again.

use hub_wire::{Refused, RefusedCode};
use thiserror::Error;

/// The hub's refusal: a code for programs, a message for people, the rule and the place in the
/// payload where there is one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{} ({})", .0.message, .0.code)]
pub struct Refusal(pub Box<Refused>);

impl Refusal {
    /// Whether the same frame may be taken later. Everything else is the sender's to mend.
    pub(super) fn is_passing(&self) -> bool {
        matches!(
            self.0.code,
            RefusedCode::NoSubscriber | RefusedCode::TooManyTopics | RefusedCode::Overloaded
        )
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        Refusal(Box::new(refused))
    }
}
