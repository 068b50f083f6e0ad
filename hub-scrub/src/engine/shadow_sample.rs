//! A sample shows where a rule in shadow mode would have acted. It has the type of the value and not the
//! value.
//!
//! Without samples, the author of a rule would see how often it applies, but not where.

use crate::model::read;

/// A `ShadowSample` says where a rule in shadow mode would have acted. It contains no value, so logs may show
/// it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShadowSample {
    /// The rule has this number in its plan.
    pub rule: usize,
    /// The find is at this path in the event. Keys that no rule names are written as `*`.
    pub path: String,
    /// The shape has the type and the length of the value, such as `str(16)`.
    pub shape: String,
}

/// Returns the type and the length of the value with which the bytes begin.
pub(super) fn shape(bytes: &[u8]) -> String {
    read(bytes, 0).map_or_else(String::new, |(head, _)| head.shape())
}
