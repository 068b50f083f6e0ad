//! Where a rule in shadow would have acted: the type, without any value.
//!
//! Without samples, whoever tries a rule would see how often it applies, and not where.

use crate::model::read;

/// Where a rule in shadow would have acted, without any value: for logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShadowSample {
    /// The rule's number in its plan.
    pub rule: usize,
    /// Where in the event. Keys that no rule names are `*`.
    pub path: String,
    /// The type and length of what is there, such as `str(16)`.
    pub shape: String,
}

/// The shape of the value with which the bytes begin.
pub(super) fn shape(bytes: &[u8]) -> String {
    read(bytes, 0).map_or_else(String::new, |(token, _)| token.shape())
}
