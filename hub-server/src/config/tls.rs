//! Defines the words that the keys of TLS accept. Each word is spelled only here, because a second
//! spelling, for the file or for the flags, would drift from the first.

use super::value::{Setting, Value};

/// Says whether a client needs a certificate that one of the CAs in `tls_client_ca` has issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// Every client must show such a certificate. Otherwise the TLS handshake fails.
    Required,
    /// A certificate that a client shows must be valid. A client without a certificate may show
    /// other credentials.
    Optional,
}

impl ClientAuth {
    /// Lists the words in the order of the variants, because the number of a variant is the index of
    /// its word.
    pub const NAMES: &'static [&'static str] = &["required", "optional"];
}

/// Turns something on or off. The text of each key states what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// The hub does not do it.
    Off,
    /// The hub does it.
    On,
}

impl Switch {
    /// Lists the words in the order of the variants, because the number of a variant is the index of
    /// its word.
    pub const NAMES: &'static [&'static str] = &["off", "on"];
}

macro_rules! word_settings {
    ($($type:ident: $($variant:ident)*;)*) => {$(
        impl Setting for $type {
            fn to_value(&self) -> Value {
                Value::Text($type::NAMES[*self as usize].to_owned())
            }

            fn from_value(value: Value) -> Option<$type> {
                let Value::Text(text) = value else { return None };
                let mut all = [$($type::$variant),*].into_iter();
                all.find(|word| $type::NAMES[*word as usize] == text)
            }
        }
    )*};
}

word_settings! {
    ClientAuth: Required Optional;
    Switch: Off On;
}
