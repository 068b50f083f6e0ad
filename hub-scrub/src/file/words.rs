//! The words of a rule file for a choice, such as a type or a case.
//!
//! `model` and `detect` know no file format, so each choice is declared here a second time, with its word. The compiler
//! refuses a word without a choice.

use crate::{detect, model};
use serde::Deserialize;

/// Declares types of choices. The word of a choice is its name in snake case, and it stands for the
/// choice of that name in `model` or `detect`.
macro_rules! words {
    ($($(#[$attribute:meta])* $of:ident::$name:ident { $($choice:ident)+ })+) => {$(
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub(super) enum $name { $($choice,)+ }

        impl From<$name> for $of::$name {
            fn from(word: $name) -> $of::$name {
                match word { $($name::$choice => $of::$name::$choice,)+ }
            }
        }
    )+};
}

words! {
    /// The types of MessagePack.
    model::Type { Nil Bool Int Float Str Bin Array Map Ext }
    /// How sure a find of a detector must be.
    detect::Confidence { Possible Likely Certain }
    /// The case to which letters are converted.
    model::Case { Lower Upper }
    /// What happens to a number outside its range.
    model::Outside { Clamp Reject }
    /// What happens to a key that is not allowed.
    model::Unknown { Drop Reject }
    /// What happens to a key that occurs twice in a map.
    model::DuplicateKeys { Allow Reject KeepFirst KeepLast }
    /// What happens to NaN and the infinities.
    model::Nonfinite { Allow Reject Nil }
}
