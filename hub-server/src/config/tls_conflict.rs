//! Checks how the keys of TLS depend on one another. Without these checks, a hub with a certificate but
//! without its private key, for example, would start and then refuse every client.

use super::keys::Config;
use super::tls::{ClientAuth, Switch};

/// Returns the first key of TLS that is set without another key that it needs. The result has the
/// key, the other key, and the rule between them.
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
        (!cert && c.http_tls == Switch::On, "http_tls", "tls_cert", "http_tls needs tls_cert"),
        (
            !cert && c.tls_key_log == Switch::On,
            "tls_key_log",
            "tls_cert",
            "tls_key_log needs tls_cert",
        ),
    ];
    rules.into_iter().find_map(|(broken, key, other, rule)| broken.then_some((key, other, rule)))
}
