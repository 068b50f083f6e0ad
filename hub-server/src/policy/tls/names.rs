//! What a client's certificate says of it.

use crate::policy::access::PeerCertificate;
use rustls::pki_types::CertificateDer;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// Longest name that is looked at. SPIFFE, which has the longest, stays below it in practice.
const MAX_NAME: usize = 1024;

/// Names and expiry of a certificate that TLS has verified, or `None` if it cannot be read.
///
/// Names are those of the subject's alternative names: URIs, then DNS names, then e-mail
/// addresses; if there is none of these, the common name. Each has to look like what it claims to
/// be: a URI has a colon, an address an `@`, and a DNS or common name neither. So a CA that lets
/// its clients choose one kind has not given away the others.
pub(crate) fn read(certificate: &CertificateDer<'_>) -> Option<PeerCertificate> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let extension = certificate.subject_alternative_name().ok()?;
    let general = extension.map(|extension| extension.value.general_names.as_slice());
    let general = general.unwrap_or_default();
    let of_kind = |kind: fn(&GeneralName<'_>) -> Option<String>| general.iter().filter_map(kind);
    let names = of_kind(uri).chain(of_kind(dns)).chain(of_kind(email));
    let mut names: Vec<String> = names.filter(|name| is_printable(name)).collect();
    let named = |name: &GeneralName<'_>| {
        matches!(name, GeneralName::URI(_) | GeneralName::DNSName(_) | GeneralName::RFC822Name(_))
    };
    if !general.iter().any(named) {
        let mut common = certificate.subject().iter_common_name();
        // Of two, nobody could say which is meant.
        if let (Some(name), None) = (common.next(), common.next())
            && let Ok(name) = name.as_str()
            && is_bare(name)
            && is_printable(name)
        {
            names.push(name.to_owned());
        }
    }
    names.dedup();
    let expires = u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or(0);
    // Valid up to and including that second.
    let expires = UNIX_EPOCH.checked_add(Duration::from_secs(expires.saturating_add(1)))?;
    Some(PeerCertificate { names, expires: Some(expires) })
}

/// Until when a certificate is valid, in seconds since the Unix epoch.
pub(super) fn expiry(certificate: &CertificateDer<'_>) -> Option<i64> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    Some(certificate.validity().not_after.timestamp())
}

/// Seconds since the Unix epoch.
pub(crate) fn seconds(now: SystemTime) -> i64 {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

fn uri(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::URI(uri) if uri.contains(':') => Some((*uri).to_owned()),
        _ => None,
    }
}

fn dns(name: &GeneralName<'_>) -> Option<String> {
    match name {
        // Case means nothing in DNS; in the access file, one spelling does.
        GeneralName::DNSName(name) if is_bare(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    }
}

fn email(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::RFC822Name(name) if name.contains('@') && !name.contains([':', '/']) => {
            Some((*name).to_owned())
        }
        _ => None,
    }
}

fn is_bare(name: &str) -> bool {
    !name.contains([':', '/', '@'])
}

/// No more than that: whether it can be the name of an identity is decided where it becomes one.
fn is_printable(name: &str) -> bool {
    !name.is_empty() && name.len() <= MAX_NAME && !name.chars().any(char::is_control)
}
