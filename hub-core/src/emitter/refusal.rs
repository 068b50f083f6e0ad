//! The hub's refusal, as the errors of all operations carry it. Without it, a program could not
//! tell what it has to change from what it only has to try again.

use hub_wire::{Refused, RefusedCode};
use thiserror::Error;

/// The hub's refusal: a code for programs and a message for people. If a rule refused the event, it
/// also has the name of the rule and the path in the payload.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{} ({})", .0.message, .0.code)]
pub struct Refusal(pub Box<Refused>);

impl Refusal {
    /// Returns whether the hub may accept the frame later. In all other cases the sender has to
    /// change something.
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
