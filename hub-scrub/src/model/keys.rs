//! This module has the keys of keyed hashes, pseudonyms, sealed values and shifted dates. Each key has a
//! name and versions.
//!
//! Each purpose has a key of its own, derived from one secret. Otherwise a tag that was made for one purpose
//! could pass for a tag of another.

use std::fmt;

/// A `KeyOrigin` states where the secret of a key is, as the rule file has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyOrigin<'a> {
    /// The secret is in this environment variable.
    Env(&'a str),
    /// The secret is in this file.
    File(&'a str),
}

/// A `KeySource` reads the secrets for [`RuleSet::load`](crate::RuleSet::load).
pub trait KeySource {
    /// Returns the secret. It must have at least 32 bytes without the line ends behind it.
    ///
    /// # Errors
    /// The error says why the secret cannot be read, and contains nothing of the secret.
    fn secret(&self, origin: KeyOrigin<'_>) -> Result<Vec<u8>, String>;
}

/// `SystemKeys` reads secrets from the environment and from the files of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemKeys;

impl KeySource for SystemKeys {
    fn secret(&self, origin: KeyOrigin<'_>) -> Result<Vec<u8>, String> {
        match origin {
            KeyOrigin::Env(name) => std::env::var(name)
                .map(String::into_bytes)
                .map_err(|_| format!("the environment has no text in `{name}`")),
            KeyOrigin::File(path) => {
                std::fs::read(path).map_err(|error| format!("cannot read `{path}`: {error}"))
            }
        }
    }
}

/// A `KeyVersion` has the keys that are derived from one version of a secret, one key for each purpose.
pub(crate) struct KeyVersion {
    /// The id consists of name and version, as marks contain them, such as `crm-2`.
    pub(crate) id: String,
    /// This key makes keyed hashes.
    pub(crate) hash: [u8; 32],
    /// This key makes the tags by which the hub knows its own marks.
    pub(crate) tag: [u8; 32],
    /// This key encrypts pseudonyms and sealed values, with AES-SIV.
    pub(crate) siv: [u8; 64],
    /// This key decides by how many days dates are shifted.
    pub(crate) shift: [u8; 32],
}

impl fmt::Debug for KeyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyVersion({})", self.id)
    }
}

impl KeyVersion {
    /// A secret has at least this many bytes.
    const MIN_SECRET: usize = 32;

    /// Derives the keys from a secret, without the line ends behind it.
    pub(crate) fn derive(name: &str, version: u32, secret: &[u8]) -> Result<Self, String> {
        let line_end = secret.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n'));
        let secret = &secret[..line_end.map_or(0, |last| last + 1)];
        if secret.len() < Self::MIN_SECRET {
            return Err(format!("the secret is shorter than {} bytes", Self::MIN_SECRET));
        }
        let derive = |purpose: &str| {
            let context = format!("hub scrub v1 {purpose}");
            let mut hasher = blake3::Hasher::new_derive_key(&context);
            hasher.update(secret);
            hasher.finalize_xof()
        };
        let short = |purpose: &str| {
            let mut key = [0; 32];
            derive(purpose).fill(&mut key);
            key
        };
        let mut siv = [0; 64];
        derive("token").fill(&mut siv);
        let id = format!("{name}-{version}");
        Ok(KeyVersion { id, hash: short("hash"), tag: short("tag"), siv, shift: short("shift") })
    }
}

/// A `Keyring` is one named key with all its versions. The newest version makes marks, and the marks of all
/// versions are recognised.
#[derive(Debug)]
pub(crate) struct Keyring {
    pub(crate) name: String,
    /// The versions are in ascending order. There is at least one version.
    pub(crate) versions: Vec<KeyVersion>,
}

/// `Keys` has all keys of a rule file. Actions name a key by its index.
#[derive(Debug, Default)]
pub(crate) struct Keys(pub(crate) Vec<Keyring>);

impl Keys {
    /// Returns the index of the key with this name.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|ring| ring.name == name)
    }

    /// Returns the newest version of the key with this index.
    pub(crate) fn current(&self, ring: usize) -> Option<&KeyVersion> {
        self.0.get(ring)?.versions.last()
    }

    /// Returns the version with this id, such as `crm-2`.
    pub(crate) fn by_id(&self, id: &str) -> Option<&KeyVersion> {
        self.0.iter().flat_map(|ring| &ring.versions).find(|version| version.id == id)
    }
}
