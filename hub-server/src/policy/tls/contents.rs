//! Holds the contents of the TLS files at one moment, and says what may be wrong with them. If the files
//! were used one by one, a certificate could come with the key of another one.

use aws_lc_rs::digest::{SHA256, digest};

/// Says which file cannot be used, and why.
pub(super) enum Problem {
    Certificate(&'static str),
    Key(&'static str),
    ClientCa(&'static str),
    Crl(&'static str),
}

/// Holds the contents of the files at one moment.
pub(super) struct Contents {
    pub(super) cert: Vec<u8>,
    pub(super) key: Vec<u8>,
    pub(super) client_ca: Option<Vec<u8>>,
    pub(super) crl: Option<Vec<u8>>,
}

impl Contents {
    /// Returns a digest of the client CAs and the revocation lists. The digest changes when another
    /// set of client certificates is accepted.
    pub(super) fn trust(&self) -> [u8; 32] {
        let parts = [&self.client_ca, &self.crl];
        digest_of(parts.map(|part| part.as_deref().unwrap_or_default()).into_iter())
    }
}

/// Returns a digest over the digests of the parts, so that different lists of parts have different
/// digests.
pub(super) fn digest_of<'a>(parts: impl Iterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut digests = Vec::new();
    for part in parts {
        digests.extend_from_slice(digest(&SHA256, part).as_ref());
    }
    let mut whole = [0; 32];
    whole.copy_from_slice(digest(&SHA256, &digests).as_ref());
    whole
}
