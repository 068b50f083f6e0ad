//! Reads names and expiry from a client's certificate. Each name is checked for the form of its kind.
//! Otherwise a CA that lets clients choose one kind of name would let them choose all kinds.

use crate::policy::access::PeerCertificate;
use rustls::pki_types::CertificateDer;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// A name of more bytes than this is not accepted. In practice, names of SPIFFE are the longest,
/// and are shorter than this.
const MAX_NAME: usize = 1024;

/// Returns the names and the expiry of a certificate that TLS has verified, or `None` if the
/// certificate cannot be read.
///
/// The names are the subject's alternative names: first URIs, then DNS names, then e-mail
/// addresses. If there are none, the common name takes their place. Each name has to have the form
/// of its kind: a URI contains a colon, an e-mail address contains an `@`, and a DNS name or a
/// common name contains neither. So a CA that lets its clients choose names of one kind does not
/// give the other kinds away.
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
        // If there are two common names, it is not clear which one is meant.
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
    // The certificate is still valid in the second of `not_after`, so it expires with the next one.
    let expires = UNIX_EPOCH.checked_add(Duration::from_secs(expires.saturating_add(1)))?;
    Some(PeerCertificate { names, expires: Some(expires) })
}

/// Returns the time until which a certificate is valid, in seconds since the Unix epoch, or `None`
/// if the certificate cannot be read.
pub(super) fn expiry(certificate: &CertificateDer<'_>) -> Option<i64> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    Some(certificate.validity().not_after.timestamp())
}

/// Returns whether a certificate is that of a CA.
pub(super) fn is_ca(certificate: &CertificateDer<'_>) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return false };
    certificate.basic_constraints().ok().flatten().is_some_and(|found| found.value.ca)
}

/// Returns a time as seconds since the Unix epoch.
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
        // DNS ignores case, so the access file has DNS names in lower case.
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

/// Returns whether a name can be printed. Whether it can be the name of an identity is decided
/// later.
fn is_printable(name: &str) -> bool {
    !name.is_empty() && name.len() <= MAX_NAME && !name.chars().any(char::is_control)
}
