//! What a structural rule demands of a message: sizes, depth, types, keys.
//!
//! Without it the engine would check the words of the rule file.

use super::value_type::Type;

/// Limits; `None` is no limit. Sizes are in bytes, the others count values.
#[derive(Debug, Default)]
pub(crate) struct Structure {
    pub(crate) max_bytes: Option<usize>,
    pub(crate) max_depth: Option<usize>,
    pub(crate) max_elements: Option<usize>,
    pub(crate) max_keys: Option<usize>,
    pub(crate) max_key_bytes: Option<usize>,
    pub(crate) max_string_bytes: Option<usize>,
    pub(crate) types: Option<Vec<Type>>,
    pub(crate) ext: Option<Vec<i8>>,
    pub(crate) duplicate_keys: DuplicateKeys,
    pub(crate) nonfinite: Nonfinite,
}

/// What to do about a key that a map has twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum DuplicateKeys {
    #[default]
    Allow,
    Reject,
    KeepFirst,
    KeepLast,
}

/// What to do about NaN and the infinities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Nonfinite {
    #[default]
    Allow,
    Reject,
    Nil,
}
