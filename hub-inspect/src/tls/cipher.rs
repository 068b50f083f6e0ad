//! Cipher suites: from a secret of the key log to the content of a record.
//!
//! The suites are those that the hub and its SDK can agree on. The primitives are those of aws-lc, which
//! both use too.

use super::key_log::Secret;
use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, tls_prf};

/// A record has a head of this many bytes: its type, a version, and the length of the rest.
pub(super) const HEAD: usize = 5;

/// What a cipher suite consists of.
#[derive(Debug)]
pub(super) struct Suite {
    /// The number that a ServerHello names it by.
    number: u16,
    pub(super) name: &'static str,
    aead: &'static aead::Algorithm,
    /// Whether the suite has the longer hash, SHA-384.
    sha384: bool,
    /// Whether the suite belongs to TLS 1.3.
    tls13: bool,
}

impl Suite {
    /// Returns the suite with a number.
    pub(super) fn of(number: u16) -> Option<&'static Suite> {
        SUITES.iter().find(|suite| suite.number == number)
    }
}

const fn suite(
    number: u16,
    name: &'static str,
    aead: &'static aead::Algorithm,
    sha384: bool,
) -> Suite {
    Suite { number, name, aead, sha384, tls13: number >> 8 == 0x13 }
}

static SUITES: [Suite; 9] = [
    suite(0x1301, "TLS_AES_128_GCM_SHA256", &aead::AES_128_GCM, false),
    suite(0x1302, "TLS_AES_256_GCM_SHA384", &aead::AES_256_GCM, true),
    suite(0x1303, "TLS_CHACHA20_POLY1305_SHA256", &aead::CHACHA20_POLY1305, false),
    suite(0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", &aead::AES_128_GCM, false),
    suite(0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", &aead::AES_256_GCM, true),
    suite(0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", &aead::AES_128_GCM, false),
    suite(0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", &aead::AES_256_GCM, true),
    suite(0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", &aead::CHACHA20_POLY1305, false),
    suite(0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", &aead::CHACHA20_POLY1305, false),
];

/// Opens the records of one direction.
#[derive(Debug)]
pub(super) struct Cipher {
    suite: &'static Suite,
    key: LessSafeKey,
    /// The fixed part of each nonce: 12 bytes, or 4 for AES-GCM of TLS 1.2.
    iv: Vec<u8>,
    /// The number of the next record.
    pub(super) next: u64,
}

impl Cipher {
    /// Derives the key of a direction of TLS 1.3. Returns `None` if the secret does not belong to the
    /// suite.
    pub(super) fn of_secret(suite: &'static Suite, secret: &Secret) -> Option<Self> {
        let key = expand(suite, secret, b"key", suite.aead.key_len())?;
        let iv = expand(suite, secret, b"iv", aead::NONCE_LEN)?;
        Self::new(suite, &key, iv)
    }

    /// Derives the key of the direction `sender` of TLS 1.2, where 0 is the client.
    pub(super) fn of_master(
        suite: &'static Suite,
        master: &Secret,
        server_random: &[u8; 32],
        client_random: &[u8; 32],
        sender: usize,
    ) -> Option<Self> {
        let key_len = suite.aead.key_len();
        let iv_len = if suite.has_explicit_nonce() { 4 } else { aead::NONCE_LEN };
        let hash = if suite.sha384 { &tls_prf::P_SHA384 } else { &tls_prf::P_SHA256 };
        let seed = [&server_random[..], client_random].concat();
        let master = tls_prf::Secret::new(hash, master.as_bytes()).ok()?;
        let keys = master.derive(b"key expansion", &seed, 2 * (key_len + iv_len)).ok()?;
        let (keys, ivs) = keys.as_ref().split_at(2 * key_len);
        let (key, iv) = (keys.chunks(key_len).nth(sender)?, ivs.chunks(iv_len).nth(sender)?);
        Self::new(suite, key, iv.to_vec())
    }

    fn new(suite: &'static Suite, key: &[u8], iv: Vec<u8>) -> Option<Self> {
        let key = LessSafeKey::new(UnboundKey::new(suite.aead, key).ok()?);
        Some(Cipher { suite, key, iv, next: 0 })
    }

    /// Opens a whole record as the record with this number. Writes its content to `out`, and returns its
    /// type. Returns `None` if the record is another one, or was changed.
    pub(super) fn open(&self, record: &[u8], number: u64, out: &mut Vec<u8>) -> Option<u8> {
        let (head, body) = record.split_first_chunk::<HEAD>()?;
        let explicit = if self.suite.has_explicit_nonce() { 8 } else { 0 };
        let (explicit, sealed) = body.split_at_checked(explicit)?;
        let length = sealed.len().checked_sub(self.suite.aead.tag_len())?;
        let (sealed, tag) = sealed.split_at(length);
        let mut nonce = [0; aead::NONCE_LEN];
        nonce[..self.iv.len()].copy_from_slice(&self.iv);
        if explicit.is_empty() {
            nonce[4..].iter_mut().zip(number.to_be_bytes()).for_each(|(byte, it)| *byte ^= it);
        } else {
            nonce[4..].copy_from_slice(explicit);
        }
        let nonce = Nonce::assume_unique_for_key(nonce);
        out.clear();
        out.resize(length, 0);
        if self.suite.tls13 {
            self.key.open_separate_gather(nonce, Aad::from(head), sealed, tag, out).ok()?;
            // The type stands behind the content, and zeros behind the type.
            let end = out.iter().rposition(|byte| *byte != 0)?;
            let kind = out[end];
            out.truncate(end);
            return Some(kind);
        }
        let mut data = [0; 13];
        data[..8].copy_from_slice(&number.to_be_bytes());
        data[8..11].copy_from_slice(&head[..3]);
        data[11..].copy_from_slice(&(length as u16).to_be_bytes());
        self.key.open_separate_gather(nonce, Aad::from(data), sealed, tag, out).ok()?;
        Some(head[0])
    }
}

impl Suite {
    /// Whether each record carries a part of its nonce.
    fn has_explicit_nonce(&self) -> bool {
        !self.tls13 && self.aead != &aead::CHACHA20_POLY1305
    }

    pub(super) fn is_tls13(&self) -> bool {
        self.tls13
    }
}

/// Returns the secret that follows when a side of TLS 1.3 changes its key.
pub(super) fn next_secret(suite: &'static Suite, secret: &Secret) -> Option<Secret> {
    Secret::new(&expand(suite, secret, b"traffic upd", secret.as_bytes().len())?)
}

/// HKDF-Expand-Label of RFC 8446, section 7.1, with an empty context.
fn expand(suite: &Suite, secret: &Secret, label: &[u8], length: usize) -> Option<Vec<u8>> {
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let (hash, hash_len) =
        if suite.sha384 { (hkdf::HKDF_SHA384, 48) } else { (hkdf::HKDF_SHA256, 32) };
    if secret.as_bytes().len() != hash_len {
        return None;
    }
    let info = [
        &(length as u16).to_be_bytes()[..],
        &[6 + label.len() as u8],
        b"tls13 ",
        label,
        &[0], // no context
    ];
    let mut out = vec![0; length];
    let key = hkdf::Prk::new_less_safe(hash, secret.as_bytes());
    key.expand(&info, Length(length)).ok()?.fill(&mut out).ok()?;
    Some(out)
}
