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

/// Says that the last line of a file is the beginning of a line.
pub(super) const CUT_OFF: &str = "was cut off";

/// Returns whether the last line of a PEM file is cut off. The library takes such a line for a comment,
/// and would leave out what was to follow, such as another CA.
pub(super) fn is_cut_off(pem: &[u8]) -> bool {
    let last = pem.trim_ascii_end().rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let is_whole = last.starts_with(b"-----END ") && last.len() > 14 && last.ends_with(b"-----");
    last.starts_with(b"-") && !is_whole
}

/// Returns the certificates in a file. The error says what is wrong with the file.
pub(super) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, &'static str> {
    let all = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    match all {
        _ if is_cut_off(pem) => Err(CUT_OFF),
        Ok(all) if all.is_empty() => Err("holds no certificate (PEM)"),
        Ok(all) => Ok(all),
        Err(_) => Err("is not PEM"),
    }
}
