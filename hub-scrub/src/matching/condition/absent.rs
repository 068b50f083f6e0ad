//! Conditions in a build without the cargo feature `cel`: there are none, and a rule file that has
//! one is refused.
//!
//! The Common Expression Language takes a twentieth of the time of a first build. Without this module
//! the rest of the scrub would have to ask in many places whether there are conditions.

/// A build without the feature cannot have a condition.
#[derive(Debug)]
pub(crate) enum Condition {}

impl Condition {
    /// Refuses every condition.
    pub(crate) fn compile(_: &str) -> Result<Self, String> {
        Err("this hub was built without conditions (the cargo feature `cel`)".to_owned())
    }

    pub(crate) fn cost(&self, _: &Inputs) -> u64 {
        match *self {}
    }

    pub(crate) fn holds(&self, _: &Inputs) -> bool {
        match *self {}
    }
}

/// What a condition reads of a message. A build without conditions never creates one.
pub(crate) enum Inputs {}

impl Inputs {
    pub(crate) fn new(_: &str, _: &[u8], _: Option<&[u8]>) -> Option<Self> {
        None
    }
}
