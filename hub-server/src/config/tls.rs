//! The words that keys of TLS accept. Each word is spelled only here; a second spelling, for the file or for
//! the flags, would drift from it.

use super::value::{Setting, Value};

/// Whether a client needs a certificate that is issued by one of the CAs in `tls_client_ca`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// Every client needs one; otherwise the TLS handshake fails.
    Required,
    /// A certificate that a client shows must be valid. A client without a certificate may show
    /// other credentials.
    Optional,
}

impl ClientAuth {
    /// The words, in the order of the variants.
    pub const NAMES: &'static [&'static str] = &["required", "optional"];
}

/// Whether the HTTP server uses TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpTls {
    /// The HTTP server does not use TLS.
    Off,
    /// The HTTP server uses TLS with the certificate of the hub, and asks no client for a
    /// certificate.
    On,
}

impl HttpTls {
    /// The words, in the order of the variants.
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
