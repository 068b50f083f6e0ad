//! The limits of a structural rule: sizes, depth, types and keys.
//!
//! Without these types the engine would have to know the words of the rule file.

use super::value_type::Type;

/// The limits of a structural rule. `None` means no limit. Sizes are in bytes; the other limits are
/// counts.
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

/// What happens to a key that occurs twice in a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum DuplicateKeys {
    #[default]
    Allow,
    Reject,
    KeepFirst,
    KeepLast,
}

/// What happens to NaN and the infinities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Nonfinite {
    #[default]
    Allow,
    Reject,
    Nil,
}
