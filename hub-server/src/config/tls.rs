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

/// Says whether the HTTP server uses TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpTls {
    /// The HTTP server does not use TLS.
    Off,
    /// The HTTP server uses TLS with the certificate of the hub, and asks no client for a
    /// certificate.
    On,
}

impl HttpTls {
    /// Lists the words in the order of the variants, because the number of a variant is the index of
    /// its word.
    pub const NAMES: &'static [&'static str] = &["off", "on"];
}

/// Says whether the hub writes the secrets of its clients' TLS connections to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyLogging {
    /// The hub writes no secrets, whatever its environment contains.
    Off,
    /// The hub appends the secrets to the file that the environment variable `SSLKEYLOGFILE` names.
    On,
}

impl KeyLogging {
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
    HttpTls: Off On;
    KeyLogging: Off On;
}
