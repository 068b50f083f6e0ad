//! What a certificate says: for which names it is, who issued it, and until when it is valid. The
//! TLS library checks certificates and does not show them.

use crate::printable::printable;
use rustls::pki_types::CertificateDer;
use serde::Serialize;
use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// A day has so many seconds.
const DAY: i64 = 86_400;

/// Holds a certificate of the chain that a server showed.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct CertificateSeen {
    /// The certificate is for this subject.
    pub subject: String,
    /// This CA issued the certificate.
    pub issuer: String,
    /// The certificate is for these host names and addresses.
    pub names: Vec<String>,
    /// The certificate is valid from this time on, in seconds since 1970.
    pub not_before: i64,
    /// The certificate is valid until this time, in seconds since 1970.
    pub not_after: i64,
    /// The certificate is valid for so many more days. The number is negative if it has expired.
    pub days_left: f64,
    /// If this is true, the certificate is that of a CA.
    pub is_ca: bool,
}

/// Reads a certificate. Damaged ones give none.
pub(super) fn read(der: &CertificateDer<'_>) -> Option<CertificateSeen> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.map(|extension| extension.value.general_names.iter()).into_iter().flatten();
    let validity = certificate.validity();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs() as i64);
    let not_after = validity.not_after.timestamp();
    Some(CertificateSeen {
        subject: printable(&certificate.subject().to_string()),
        issuer: printable(&certificate.issuer().to_string()),
        names: names.filter_map(name).collect(),
        not_before: validity.not_before.timestamp(),
        not_after,
        days_left: ((not_after - now) as f64 / DAY as f64 * 10.0).round() / 10.0,
        is_ca: certificate.is_ca(),
    })
}

/// Returns a name as it is written in addresses.
fn name(general: &GeneralName<'_>) -> Option<String> {
    match general {
        GeneralName::DNSName(name) | GeneralName::URI(name) => Some(printable(name)),
        GeneralName::IPAddress(bytes) => match *bytes {
            [a, b, c, d] => Some(IpAddr::from([*a, *b, *c, *d]).to_string()),
            bytes => <[u8; 16]>::try_from(bytes).ok().map(|all| IpAddr::from(all).to_string()),
        },
        _ => None,
    }
}
