//! Reads the public keys of an issuer of JWTs (RFC 7517). The keys are checked when they are read.
//! Otherwise a bad key would be found only when a client comes.

use std::str::FromStr;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

use super::error::Reason;

/// The modulus of an RSA key has at least this many bytes: 2,048 bits (NIST SP 800-131A). The
/// library refuses shorter keys too, but only when the first client comes.
const MIN_RSA_BYTES: usize = 256;
/// An issuer has at most this many keys.
const MAX_KEYS: usize = 64;

/// The access file can allow these algorithms. Algorithms with shared secrets are missing, so
/// nobody can use a public key as a shared secret.
pub(super) const ALGORITHMS: [&str; 9] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

/// Holds one key, bound to the allowed algorithms of its kind.
pub(super) struct Key {
    jwk: Jwk,
    decoding: DecodingKey,
    algorithms: Vec<Algorithm>,
}

/// Holds the keys of one issuer.
pub(super) struct KeySet(Vec<Key>);

impl KeySet {
    /// Reads a JWKS. Keys for encryption and keys of unknown kinds are skipped, as RFC 7517
    /// demands. Private and shared keys are refused, because they do not belong in the file.
    ///
    /// `allowed` are the algorithms that the access file allows.
    ///
    /// # Errors
    /// The error says what is wrong, without any value of the file.
    pub(super) fn parse(text: &str, allowed: &[Algorithm]) -> Result<KeySet, String> {
        let set: Value = serde_json::from_str(text).map_err(|error| {
            format!("is not JSON at line {}, column {}", error.line(), error.column())
        })?;
        let entries = set.get("keys").and_then(Value::as_array);
        let entries = entries.ok_or("is no key set: it has no list `keys`")?;
        if entries.len() > MAX_KEYS {
            return Err(format!("has more than {MAX_KEYS} keys"));
        }
        let mut keys: Vec<Key> = Vec::new();
        for (number, entry) in entries.iter().enumerate() {
            let number = number + 1;
            if entry.get("d").is_some() || entry.get("k").is_some() {
                return Err(format!("has a private or shared key: key {number}"));
            }
            let Some(key) =
                Key::parse(entry, allowed).map_err(|why| format!("key {number} {why}"))?
            else {
                continue;
            };
            if keys.iter().any(|other| other.kid() == key.kid()) {
                return Err(format!(
                    "has two keys with the same `kid`: the second is key {number}"
                ));
            }
            keys.push(key);
        }
        if keys.is_empty() {
            Err("has no key for an allowed algorithm".into())
        } else {
            Ok(KeySet(keys))
        }
    }

    /// Returns the key for a JWT: the key with the `kid` of the JWT, or the only key if the JWT
    /// names none.
    pub(super) fn find(&self, kid: Option<&str>, alg: Algorithm) -> Result<&Key, Reason> {
        let key = match (kid, self.0.as_slice()) {
            (None, [only]) => Some(only),
            (None, _) => None,
            (Some(kid), keys) => keys.iter().find(|key| key.kid() == Some(kid)),
        };
        let key = key.ok_or(Reason::UnknownKey)?;
        if key.algorithms.contains(&alg) { Ok(key) } else { Err(Reason::Algorithm) }
    }

    /// Returns whether exactly this key is still in the set, for this algorithm.
    pub(super) fn holds(&self, jwk: &Jwk, alg: Algorithm) -> bool {
        self.0.iter().any(|key| key.jwk == *jwk && key.algorithms.contains(&alg))
    }
}

impl Key {
    pub(super) fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }

    pub(super) fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    fn kid(&self) -> Option<&str> {
        self.jwk.common.key_id.as_deref()
    }

    /// Reads one key. Returns `None` if the key is for another purpose, of an unknown kind, or for
    /// no allowed algorithm.
    fn parse(entry: &Value, allowed: &[Algorithm]) -> Result<Option<Key>, &'static str> {
        use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
        let jwk: Jwk = serde_json::from_value(entry.clone()).map_err(|_| "is no JWK")?;
        if jwk.common.public_key_use.as_ref().is_some_and(|of| *of != PublicKeyUse::Signature) {
            return Ok(None);
        }
        let possible: &[Algorithm] = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => &[RS256, RS384, RS512, PS256, PS384, PS512],
            AlgorithmParameters::EllipticCurve(key) => match key.curve {
                EllipticCurve::P256 => &[ES256],
                EllipticCurve::P384 => &[ES384],
                _ => return Ok(None),
            },
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
                &[EdDSA]
            }
            _ => return Ok(None),
        };
        let mut algorithms = possible.to_vec();
        algorithms.retain(|algorithm| allowed.contains(algorithm));
        if let Some(only) = &jwk.common.key_algorithm {
            let only = Algorithm::from_str(&only.to_string()).ok();
            algorithms.retain(|algorithm| Some(*algorithm) == only);
        }
        if algorithms.is_empty() {
            return Ok(None);
        }
        let decoding = DecodingKey::from_jwk(&jwk).map_err(|_| "is malformed")?;
        if let jsonwebtoken::DecodingKeyKind::RsaModulusExponent { n, .. } = decoding.kind() {
            let significant = n.iter().skip_while(|&&byte| byte == 0).count();
            if significant < MIN_RSA_BYTES {
                return Err("is an RSA key of fewer than 2048 bits");
            }
        }
        Ok(Some(Key { jwk, decoding, algorithms }))
    }
}
