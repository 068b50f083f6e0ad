//! A structural rule limits the sizes, the depth, the types and the keys of a payload.
//!
//! Without these types, the engine would have to know the words of the rule file.

use super::value_type::Type;

/// A `Structure` has the limits of a structural rule. `None` means that there is no limit. Limits named
/// `bytes` are in bytes, and the other limits are counts.
#[derive(Debug, Default)]
pub(crate) struct Structure {
    pub(crate) max_bytes: Option<usize>,
    pub(crate) max_depth: Option<usize>,
    pub(crate) max_elements: Option<usize>,
    pub(crate) max_keys: Option<usize>,
    pub(crate) max_key_bytes: Option<usize>,
    pub(crate) max_string_bytes: Option<usize>,
    /// Values may have only these types.
    pub(crate) types: Option<Vec<Type>>,
    /// Ext values may have only these ext types.
    pub(crate) ext: Option<Vec<i8>>,
    pub(crate) duplicate_keys: DuplicateKeys,
    pub(crate) nonfinite: Nonfinite,
}

/// `DuplicateKeys` states what happens to a key that occurs twice in a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum DuplicateKeys {
    #[default]
    Allow,
    Reject,
    KeepFirst,
    KeepLast,
}

/// `Nonfinite` states what happens to NaN and to the infinities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Nonfinite {
    #[default]
    Allow,
    Reject,
    /// Nil replaces the number.
    Nil,
}
