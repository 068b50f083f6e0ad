//! The bytes of the TLS files at one moment, and what may be wrong with them.

use aws_lc_rs::digest::{SHA256, digest};

/// Which file is unusable, and why.
pub(super) enum Problem {
    Certificate(&'static str),
    Key(&'static str),
    ClientCa(&'static str),
    Crl(&'static str),
}

/// What the files hold at one time.
pub(super) struct Contents {
    pub(super) cert: Vec<u8>,
    pub(super) key: Vec<u8>,
    pub(super) client_ca: Option<Vec<u8>>,
    pub(super) crl: Option<Vec<u8>>,
}

impl Contents {
    /// Stands for whom clients' certificates have to be from.
    pub(super) fn trust(&self) -> [u8; 32] {
        let parts = [&self.client_ca, &self.crl];
        digest_of(parts.map(|part| part.as_deref().unwrap_or_default()).into_iter())
    }
}

/// Of each part's digest, so that no two lists of parts are alike.
pub(super) fn digest_of<'a>(parts: impl Iterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut digests = Vec::new();
    for part in parts {
        digests.extend_from_slice(digest(&SHA256, part).as_ref());
    }
    let mut whole = [0; 32];
    whole.copy_from_slice(digest(&SHA256, &digests).as_ref());
    whole
}
