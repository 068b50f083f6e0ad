//! The words that keys of TLS take. Each word is spelled here once, for the file and for the flags.

use super::value::{Setting, Value};

/// Whether a client needs a certificate of one of the CAs in `tls_client_ca`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// Without one, there is no connection.
    Required,
    /// One that is shown has to be good; without one, other credentials count.
    Optional,
}

impl ClientAuth {
    /// The spellings, in the order of the variants.
    pub const NAMES: &'static [&'static str] = &["required", "optional"];
}

/// Whether HTTP is served over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpTls {
    /// It is not.
    Off,
    /// It is, with the certificate that clients see. Nobody is asked for one there.
    On,
}

impl HttpTls {
    /// The spellings, in the order of the variants.
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
    HttpTls: Off On;
}
