//! Reads CAs from a PEM file: the CAs of client certificates, and the CAs of servers from which keys are
//! fetched. One function reads both, so that both accept and refuse the same files.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Returns the certificates of the CAs in a file, and the store that verifies with them. The error
/// says what is wrong with the file.
pub(crate) fn authorities(
    pem: &[u8],
) -> Result<(Vec<CertificateDer<'static>>, RootCertStore), &'static str> {
    let certificates = certificates(pem)?;
    let mut roots = RootCertStore::empty();
    for certificate in &certificates {
        roots.add(certificate.clone()).map_err(|_| "holds a certificate that cannot be read")?;
    }
    Ok((certificates, roots))
}

/// Returns the certificates in a file. The error says what is wrong with the file.
pub(super) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, &'static str> {
    let all = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    match all {
        Ok(all) if all.is_empty() => Err("holds no certificate (PEM)"),
        Ok(all) => Ok(all),
        Err(_) => Err("is not PEM"),
    }
}
