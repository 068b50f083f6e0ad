//! The words of a rule file that stand for a choice, such as a type or a case.
//!
//! `model` knows no file format, so each choice is declared here once more, with its word. The
//! compiler refuses a word that stands for nothing.

use crate::model;
use serde::Deserialize;

/// Declares choices, whose words are their names in snake case, and what each stands for.
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
    /// The case that letters are brought into.
    Case { Lower Upper }
    /// What happens to a number outside of its range.
    Outside { Clamp Reject }
    /// What happens to a key that is not allowed.
    Unknown { Drop Reject }
    /// What happens to a key that a map has twice.
    DuplicateKeys { Allow Reject KeepFirst KeepLast }
    /// What happens to NaN and the infinities.
    Nonfinite { Allow Reject Nil }
}
