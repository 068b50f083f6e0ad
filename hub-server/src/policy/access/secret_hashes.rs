//! Holds the hashes of one access file, and remembers which secrets were verified lately. Otherwise each
//! request to the admin API would cost a hash.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use aws_lc_rs::hmac;
use parking_lot::Mutex;

use super::error::Reason;
use super::hash::{Kind, SecretHash};

/// At most this many verified secrets are remembered, with 32 bytes each.
const MAX_RECENT: usize = 4096;

/// Holds a hash, and the name of the identity that owns it.
#[derive(Clone)]
pub(super) struct OwnedHash {
    pub(super) owner: Arc<str>,
    pub(super) hash: Arc<SecretHash>,
}

/// Holds the hashes of one access file.
///
/// A secret that was verified once is not hashed again, so a password on each request of the admin
/// API is affordable. A keyed digest of the secret is remembered instead. The key belongs to these
/// hashes, so a reload forgets all digests. An attacker learns nothing from the time that a
/// verification takes, because only the right secret has a digest here.
pub(super) struct SecretHashes {
    tokens: HashTable,
    passwords: HashTable,
    key: hmac::Key,
    recent: Mutex<HashSet<[u8; 32]>>,
}

#[derive(Default)]
struct HashTable {
    ids: HashMap<Arc<str>, usize>,
    all: Vec<OwnedHash>,
}

impl SecretHashes {
    /// Creates an empty set of hashes, or returns `None` if the system gives no random numbers.
    pub(super) fn new() -> Option<SecretHashes> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).ok()?;
        Some(SecretHashes {
            tokens: HashTable::default(),
            passwords: HashTable::default(),
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            recent: Mutex::default(),
        })
    }

    /// Adds a hash. Returns false if there is a hash with this id already.
    pub(super) fn add(&mut self, kind: Kind, id: &str, stored: OwnedHash) -> bool {
        let hashes = match kind {
            Kind::Token => &mut self.tokens,
            Kind::Password => &mut self.passwords,
        };
        let index = hashes.all.len();
        hashes.all.push(stored);
        hashes.ids.insert(id.into(), index).is_none()
    }

    pub(super) fn get(&self, kind: Kind, id: &str) -> Option<&OwnedHash> {
        let hashes = self.of(kind);
        hashes.ids.get(id).and_then(|&index| hashes.all.get(index))
    }

    /// Returns how many bytes of memory the hash takes that [`SecretHashes::verify`] would compute, or
    /// `None` if it would compute none.
    pub(super) fn hash_bytes(&self, kind: Kind, id: &str, secret: &str) -> Option<usize> {
        let stored = self.get(kind, id).or_else(|| self.decoy(kind, id))?;
        let known = self.recent.lock().contains(&self.digest(kind, id, secret.as_bytes()));
        (!known).then(|| stored.hash.bytes())
    }

    /// Verifies a secret. Returns the hash, with the identity that owns it.
    ///
    /// An unknown id costs as much as a known one, because the secret is then hashed with the
    /// parameters of some stored hash, and the result is thrown away.
    pub(super) fn verify(&self, kind: Kind, id: &str, secret: &str) -> Result<&OwnedHash, Reason> {
        let Some(stored) = self.get(kind, id) else {
            if let Some(decoy) = self.decoy(kind, id) {
                let _ = decoy.hash.fits(secret.as_bytes());
            }
            return Err(Reason::Unknown);
        };
        let digest = self.digest(kind, id, secret.as_bytes());
        if self.recent.lock().contains(&digest) {
            return Ok(stored);
        }
        if !stored.hash.fits(secret.as_bytes()) {
            return Err(Reason::WrongSecret);
        }
        self.remember(digest);
        Ok(stored)
    }

    /// Returns the hash whose cost an unknown id has. A keyed digest of the id chooses the hash, so it is
    /// always the same for one id. So even if stored hashes differ in cost, the cost tells nothing about
    /// an id.
    fn decoy(&self, kind: Kind, id: &str) -> Option<&OwnedHash> {
        let digest = self.digest(kind, id, b"");
        let number = digest.iter().take(8).fold(0, |n: u64, &byte| n << 8 | u64::from(byte));
        let all = &self.of(kind).all;
        all.get((number % all.len().max(1) as u64) as usize)
    }

    fn remember(&self, digest: [u8; 32]) {
        let mut recent = self.recent.lock();
        if recent.len() >= MAX_RECENT {
            recent.clear();
        }
        recent.insert(digest);
    }

    fn of(&self, kind: Kind) -> &HashTable {
        match kind {
            Kind::Token => &self.tokens,
            Kind::Password => &self.passwords,
        }
    }

    fn digest(&self, kind: Kind, id: &str, secret: &[u8]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&[match kind {
            Kind::Token => b't',
            Kind::Password => b'p',
        }]);
        // The length of the id stands before it, so that the id cannot run into the secret.
        context.update(&(id.len() as u64).to_be_bytes());
        context.update(id.as_bytes());
        context.update(secret);
        let mut digest = [0; 32];
        for (to, from) in digest.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_bounded() {
        let vault = SecretHashes::new().unwrap();
        for number in 0..3 * MAX_RECENT {
            let digest = vault.digest(Kind::Token, "id", &number.to_be_bytes());
            vault.remember(digest);
            let recent = vault.recent.lock();
            assert!(recent.contains(&digest) && recent.len() <= MAX_RECENT);
        }
    }

    #[test]
    fn what_is_remembered_is_of_one_kind_one_id_and_one_vault() {
        let vault = SecretHashes::new().unwrap();
        let digest = vault.digest(Kind::Token, "ab", b"c");
        assert_eq!(digest, vault.digest(Kind::Token, "ab", b"c"));
        assert_ne!(digest, vault.digest(Kind::Token, "a", b"bc"));
        assert_ne!(digest, vault.digest(Kind::Password, "ab", b"c"));
        assert_ne!(digest, SecretHashes::new().unwrap().digest(Kind::Token, "ab", b"c"));
    }
}
