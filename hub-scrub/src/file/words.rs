//! The words of a rule file for a choice, such as a type or a case.
//!
//! `model` knows no file format, so each choice is declared here a second time, with its word. The compiler
//! refuses a word without a choice.

use crate::model;
use serde::Deserialize;

/// Declares types of choices. The word of a choice is its name in snake case, and it stands for the
/// choice of that name in `model`.
macro_rules! words {
    ($($(#[$attribute:meta])* $name:ident { $($choice:ident)+ })+) => {$(
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub(super) enum $name { $($choice,)+ }

        impl From<$name> for model::$name {
            fn from(word: $name) -> model::$name {
                match word { $($name::$choice => model::$name::$choice,)+ }
            }
        }
    )+};
}

words! {
    /// The types of MessagePack.
    Type { Nil Bool Int Float Str Bin Array Map Ext }
    /// The case to which letters are converted.
    Case { Lower Upper }
    /// What happens to a number outside its range.
    Outside { Clamp Reject }
    /// What happens to a key that is not allowed.
    Unknown { Drop Reject }
    /// What happens to a key that occurs twice in a map.
    DuplicateKeys { Allow Reject KeepFirst KeepLast }
    /// What happens to NaN and the infinities.
    Nonfinite { Allow Reject Nil }
}
