//! The keys of keyed hashes, tokens and shifted dates: named, and with versions.
//!
//! Each secret gives one key a purpose. Without that, a tag made for one purpose could be passed
//! off for another.

use std::fmt;

/// Where a rule file says that a secret is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyOrigin<'a> {
    /// This environment variable.
    Env(&'a str),
    /// This file.
    File(&'a str),
}

/// Gets secrets for [`RuleSet::load`](crate::RuleSet::load).
pub trait KeySource {
    /// The secret: at least 32 bytes after line ends were cut off.
    ///
    /// # Errors
    /// Why it cannot be had, in words that do not contain any of it.
    fn secret(&self, origin: KeyOrigin<'_>) -> Result<Vec<u8>, String>;
}

/// Secrets from the environment and from files of this process.
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

/// The keys that are derived from one secret, each for one purpose.
pub(crate) struct KeyVersion {
    /// Name and version, as they stand in the output: `crm-2`.
    pub(crate) id: String,
    pub(crate) hash: [u8; 32],
    pub(crate) tag: [u8; 32],
    pub(crate) siv: [u8; 64],
    pub(crate) shift: [u8; 32],
}

impl fmt::Debug for KeyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyVersion({})", self.id)
    }
}

impl KeyVersion {
    /// Shortest secret.
    const MIN_SECRET: usize = 32;

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

/// One named key: the newest version makes, all versions are recognised.
#[derive(Debug)]
pub(crate) struct Keyring {
    pub(crate) name: String,
    /// Ascending; never empty.
    pub(crate) versions: Vec<KeyVersion>,
}

/// All keys of a rule file.
#[derive(Debug, Default)]
pub(crate) struct Keys(pub(crate) Vec<Keyring>);

impl Keys {
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|ring| ring.name == name)
    }

    pub(crate) fn current(&self, ring: usize) -> Option<&KeyVersion> {
        self.0.get(ring)?.versions.last()
    }

    pub(crate) fn by_id(&self, id: &str) -> Option<&KeyVersion> {
        self.0.iter().flat_map(|ring| &ring.versions).find(|version| version.id == id)
    }
}
