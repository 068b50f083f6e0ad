//! CAs from a PEM file: those of clients' certificates, and those of servers from which keys are fetched.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The CAs in a file, and their certificates as they stand there; or what the file does wrong.
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

/// The certificates in a file, or what the file does wrong.
pub(super) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, &'static str> {
    let all = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    match all {
        Ok(all) if all.is_empty() => Err("holds no certificate (PEM)"),
        Ok(all) => Ok(all),
        Err(_) => Err("is not PEM"),
    }
}
