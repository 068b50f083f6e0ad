//! A build without the cargo feature `cel` has this module in place of conditions. It refuses rule files that
//! have one.
//!
//! The Common Expression Language takes a twentieth of the time of a first build. Without this module,
//! the rest of the scrub would have to check in many places whether the build has conditions.

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

/// `Inputs` is what a condition reads of a message. A build without conditions never creates it.
pub(crate) enum Inputs {}

impl Inputs {
    pub(crate) fn new(_: &str, _: &[u8], _: Option<&[u8]>, _: u64) -> (Option<Self>, u64) {
        (None, 0)
    }
}
