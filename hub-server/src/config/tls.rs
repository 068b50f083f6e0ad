//! The words that keys of TLS take, and how these keys depend on one another.

use super::keys::Config;
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

/// A key of TLS that is set without another that it needs: the key, the other, and the rule.
pub(super) fn conflict(c: &Config) -> Option<(&'static str, &'static str, &'static str)> {
    let (cert, ca) = (!c.tls_cert.is_empty(), !c.tls_client_ca.is_empty());
    let rules = [
        (cert && c.tls_key.is_empty(), "tls_cert", "tls_key", "tls_cert needs tls_key"),
        (!cert && !c.tls_key.is_empty(), "tls_key", "tls_cert", "tls_key needs tls_cert"),
        (!cert && ca, "tls_client_ca", "tls_cert", "tls_client_ca needs tls_cert"),
        (!ca && !c.tls_crl.is_empty(), "tls_crl", "tls_client_ca", "tls_crl needs tls_client_ca"),
        (
            !ca && c.tls_client_auth != ClientAuth::Required,
            "tls_client_auth",
            "tls_client_ca",
            "without tls_client_ca no client can have a certificate",
        ),
        (!cert && c.http_tls == HttpTls::On, "http_tls", "tls_cert", "http_tls needs tls_cert"),
    ];
    rules.into_iter().find_map(|(broken, key, other, rule)| broken.then_some((key, other, rule)))
}
