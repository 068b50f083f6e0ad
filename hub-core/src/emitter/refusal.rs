//! Wraps the hub's refusal for the errors of all operations. Without this type, a program could not
//! tell a refusal that asks for a change from a refusal after which it only has to try again.

use hub_wire::{Refused, RefusedCode};
use thiserror::Error;

/// Holds the hub's refusal: a code for programs and a message for people. If a rule refused the
/// event, the refusal also has the name of the rule and the path in the payload.
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
