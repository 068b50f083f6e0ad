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

/// States why a key on a curve without a JWT algorithm of the hub is passed over.
const UNKNOWN_CURVE: &str = "is on a curve that the hub does not know";
/// A JWT is verified with at most this many keys, because anybody can send one.
const MAX_TRIED: usize = 8;

/// Holds the keys of one issuer.
pub(super) struct KeySet {
    keys: Vec<Key>,
    /// Each text names a key that the hub cannot use, and says why.
    passed_over: Vec<String>,
}

impl KeySet {
    /// Reads a JWKS. Keys for encryption, keys of kinds that the hub does not know and keys that it
    /// cannot read are passed over, as RFC 7517 demands. Private and shared keys are refused,
    /// because they do not belong in the file.
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
        let (mut keys, mut passed_over) = (Vec::new(), Vec::new());
        for (number, entry) in entries.iter().enumerate() {
            let number = number + 1;
            if entry.get("d").is_some() || entry.get("k").is_some() {
                return Err(format!("has a private or shared key: key {number}"));
            }
            match Key::parse(entry, allowed) {
                Ok(Some(key)) => keys.push(key),
                Ok(None) => {}
                Err(why) => passed_over.push(format!("key {number} {why}")),
            }
        }
        if !keys.is_empty() {
            return Ok(KeySet { keys, passed_over });
        }
        let none = "has no key for an allowed algorithm";
        Err(match &passed_over[..] {
            [] => none.to_owned(),
            all => format!("{none}: {}", all.join(", ")),
        })
    }

    /// Names each key that the hub cannot use, and says why.
    pub(super) fn warnings(&self) -> impl Iterator<Item = String> {
        let passed_over = self.passed_over.iter();
        passed_over.map(|why| format!("the key set has a key that the hub does not use: {why}"))
    }

    /// Returns the keys that may have signed a JWT: the keys with the `kid` of the JWT, of which
    /// there may be several. If the JWT names none, these are the keys without a `kid`, or the only
    /// key of the set.
    pub(super) fn candidates(
        &self,
        kid: Option<&str>,
        alg: Algorithm,
    ) -> Result<impl Iterator<Item = &Key>, Reason> {
        let named: Vec<&Key> = match (kid, self.keys.as_slice()) {
            (None, [only]) => vec![only],
            (kid, keys) => keys.iter().filter(|key| key.kid() == kid).collect(),
        };
        let possible = named.iter().any(|key| key.algorithms.contains(&alg));
        match (named.is_empty(), possible) {
            (true, _) => Err(Reason::UnknownKey),
            (false, false) => Err(Reason::Algorithm),
            (false, true) => {
                let fit = move |key: &&Key| key.algorithms.contains(&alg);
                Ok(named.into_iter().filter(fit).take(MAX_TRIED))
            }
        }
    }

    /// Returns whether exactly this key is still in the set, for this algorithm.
    pub(super) fn holds(&self, jwk: &Jwk, alg: Algorithm) -> bool {
        self.keys.iter().any(|key| key.jwk == *jwk && key.algorithms.contains(&alg))
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

    /// Reads one key. Returns `None` if the key is for another purpose, or for no allowed algorithm.
    /// The error says why the hub cannot use the key.
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
                _ => return Err(UNKNOWN_CURVE),
            },
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
                &[EdDSA]
            }
            AlgorithmParameters::OctetKeyPair(_) => return Err(UNKNOWN_CURVE),
            _ => return Err("is of a kind that the hub does not know"),
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
