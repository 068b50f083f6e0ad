//! Verifies the JWTs of identity providers (RFC 7519).
//!
//! The crate `jsonwebtoken` checks only signatures here. This module checks the claims, because they are
//! checked again, at another time and under another access file, while the client is connected.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::Jwk;
use serde_json::{Map, Value};

use super::error::Reason;
use super::keys::Keys;
use super::name::IdentityName;
use super::remote::RemoteKeys;
use super::rights::Role;

/// A JWT has at most this many bytes.
const MAX_BYTES: usize = 16 * 1024;

/// Makes identities from names that an issuer or a CA has verified.
pub(super) struct IdentityNaming {
    /// Each name begins with this prefix, so that two sources of names cannot make equal names.
    pub(super) prefix: String,
    /// Each of these identities has these roles.
    pub(super) roles: Vec<Arc<Role>>,
}

impl IdentityNaming {
    pub(super) fn name(&self, text: &str) -> Result<IdentityName, Reason> {
        if text.is_empty() {
            return Err(Reason::BadName);
        }
        IdentityName::parse(&format!("{}{text}", self.prefix)).ok_or(Reason::BadName)
    }
}

/// Holds one table `[[jwt]]` of the access file.
pub(super) struct Issuer {
    pub(super) issuer: String,
    pub(super) audience: Vec<String>,
    pub(super) keys: Keys,
    pub(super) leeway: Duration,
    pub(super) maker: IdentityNaming,
    pub(super) identity_claim: String,
    /// This path leads to the claim with the roles. It is one key, or the keys of nested objects.
    pub(super) roles_claim: Vec<String>,
    /// Each value of this claim gives the roles listed for it. Other values give no roles.
    pub(super) claim_roles: HashMap<String, Vec<Arc<Role>>>,
}

/// Holds a JWT whose signature is valid. Its claims are not checked yet.
pub(super) struct Verified {
    key: Jwk,
    alg: Algorithm,
    claims: Map<String, Value>,
}

/// Holds the identity that a JWT gives its client.
pub(super) struct JwtIdentity {
    pub(super) name: IdentityName,
    pub(super) roles: Vec<Arc<Role>>,
    pub(super) expires: SystemTime,
}

/// Authenticates with the first issuer that accepts the JWT. An issuer that the JWT names and whose
/// key fits is the last one tried, and the reason of its refusal is the error. If there is no such
/// issuer, the error is the reason of the last issuer that knows the key.
pub(super) fn authenticate(
    issuers: &[Issuer],
    jwt: &str,
    now: SystemTime,
) -> Result<(JwtIdentity, Verified), Reason> {
    if jwt.len() > MAX_BYTES {
        return Err(Reason::Malformed);
    }
    // A JWT with an unknown algorithm or with `none` is refused here. A JWT whose algorithm uses a
    // shared secret is refused with the key, because no key allows such an algorithm.
    let header = jsonwebtoken::decode_header(jwt).map_err(|_| Reason::Malformed)?;
    if header.crit.is_some() {
        return Err(Reason::Critical);
    }
    // Keys that a JWT contains or points to (`jwk`, `jku`, `x5c`, `x5u`) are ignored.
    let mut furthest = Reason::UnknownKey;
    for issuer in issuers {
        match issuer.verify(jwt, header.kid.as_deref(), header.alg) {
            Ok(verified) => match issuer.check_claims(&verified.claims, now) {
                Ok(admitted) => return Ok((admitted, verified)),
                // Issuers may share keys, so another issuer may be meant.
                Err(Reason::Issuer) => furthest = Reason::Issuer,
                Err(reason) => return Err(reason),
            },
            Err(Reason::UnknownKey) => {}
            Err(reason) => furthest = reason,
        }
    }
    Err(furthest)
}

/// Returns the fetched key sets without the key of this JWT, for the issuer that the JWT names. The
/// JWT is not verified yet, so its claims decide only that nothing is fetched for other issuers.
pub(super) fn missing_keys(issuers: &[Issuer], jwt: &str) -> Vec<Arc<RemoteKeys>> {
    if jwt.len() > MAX_BYTES || issuers.iter().all(|issuer| issuer.keys.remote().is_none()) {
        return Vec::new();
    }
    let Ok(header) = jsonwebtoken::decode_header(jwt) else { return Vec::new() };
    let claims = jwt.split('.').nth(1).and_then(|payload| claims(payload).ok());
    let said = claims.as_ref().and_then(|claims| claims.get("iss")).and_then(Value::as_str);
    let lacks = |issuer: &&Issuer| {
        let keys = issuer.keys.current();
        let found =
            keys.as_ref().map(|keys| keys.candidates(header.kid.as_deref(), header.alg).map(drop));
        said == Some(&issuer.issuer) && matches!(found, None | Some(Err(Reason::UnknownKey)))
    };
    issuers.iter().filter(lacks).filter_map(|issuer| issuer.keys.remote().cloned()).collect()
}

/// Checks whether a JWT that was accepted before would be accepted now, and returns its present
/// identity.
pub(super) fn reauthorise(
    issuers: &[Issuer],
    verified: &Verified,
    now: SystemTime,
) -> Result<JwtIdentity, Reason> {
    let mut reason = Reason::Revoked;
    for issuer in issuers {
        let admitted = || issuer.check_claims(&verified.claims, now);
        match issuer.keys.current() {
            Some(keys) if keys.holds(&verified.key, verified.alg) => match admitted() {
                Err(Reason::Issuer) if reason == Reason::Revoked => reason = Reason::Issuer,
                Err(Reason::Issuer) => {}
                other => return other,
            },
            Some(_) => {}
            // The keys are not fetched yet, so it is not known whether they will contain this key.
            None if admitted().is_ok() => reason = Reason::KeysPending,
            None => {}
        }
    }
    Err(reason)
}

impl Issuer {
    fn verify(&self, jwt: &str, kid: Option<&str>, alg: Algorithm) -> Result<Verified, Reason> {
        let keys = self.keys.current().ok_or(Reason::UnknownKey)?;
        let (message, signature) = jwt.rsplit_once('.').ok_or(Reason::Malformed)?;
        let mut reason = Reason::Malformed;
        for key in keys.candidates(kid, alg)? {
            let signed = message.as_bytes();
            match jsonwebtoken::crypto::verify(signature, signed, key.decoding(), alg) {
                Ok(true) => {
                    let (_, payload) = message.split_once('.').ok_or(Reason::Malformed)?;
                    return Ok(Verified { key: key.jwk().clone(), alg, claims: claims(payload)? });
                }
                Ok(false) => reason = Reason::Signature,
                Err(_) => {}
            }
        }
        Err(reason)
    }

    /// Checks the claims, and returns the identity that they give.
    fn check_claims(
        &self,
        claims: &Map<String, Value>,
        now: SystemTime,
    ) -> Result<JwtIdentity, Reason> {
        if claims.get("iss").and_then(Value::as_str) != Some(self.issuer.as_str()) {
            return Err(Reason::Issuer);
        }
        if !texts(claims.get("aud")).any(|aud| self.audience.iter().any(|ours| ours == aud)) {
            return Err(Reason::Audience);
        }
        let expires = time(claims.get("exp")).and_then(|exp| exp.checked_add(self.leeway));
        let expires = expires.ok_or(Reason::Claim)?;
        if now >= expires {
            return Err(Reason::Expired);
        }
        if let Some(nbf) = claims.get("nbf") {
            let nbf = time(Some(nbf)).ok_or(Reason::Claim)?;
            if now.checked_add(self.leeway).is_none_or(|now| now < nbf) {
                return Err(Reason::NotYetValid);
            }
        }
        let name = claims.get(&self.identity_claim).and_then(Value::as_str);
        let name = self.maker.name(name.ok_or(Reason::Claim)?)?;
        Ok(JwtIdentity { name, roles: self.roles(claims), expires })
    }

    fn roles(&self, claims: &Map<String, Value>) -> Vec<Arc<Role>> {
        let mut roles = self.maker.roles.clone();
        let mut keys = self.roles_claim.iter();
        let mut claim = keys.next().and_then(|key| claims.get(key));
        for key in keys {
            claim = claim.and_then(|claim| claim.get(key));
        }
        for value in texts(claim).flat_map(|text| self.words(claim, text)) {
            for role in self.claim_roles.get(value).into_iter().flatten() {
                if !roles.iter().any(|had| Arc::ptr_eq(had, role)) {
                    roles.push(role.clone());
                }
            }
        }
        roles
    }

    /// Returns the values in one text of a claim. If the claim is a single text, it is a list with
    /// spaces, as `scope` is (RFC 8693). The items of a list are used as they are.
    fn words<'a>(&self, claim: Option<&Value>, text: &'a str) -> Vec<&'a str> {
        match claim {
            Some(Value::String(_)) => text.split(' ').collect(),
            _ => vec![text],
        }
    }
}

fn claims(payload: &str) -> Result<Map<String, Value>, Reason> {
    let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| Reason::Malformed)?;
    serde_json::from_slice(&payload).map_err(|_| Reason::Malformed)
}

/// Returns the texts of a claim, which is one text or a list of texts.
fn texts(claim: Option<&Value>) -> impl Iterator<Item = &str> {
    let items = match claim {
        Some(Value::Array(items)) => items.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    items.iter().filter_map(Value::as_str)
}

/// Reads a time in seconds since 1970, which may have a fraction.
fn time(claim: Option<&Value>) -> Option<SystemTime> {
    let since = match claim?.as_u64() {
        Some(seconds) => Duration::from_secs(seconds),
        None => Duration::try_from_secs_f64(claim?.as_f64()?).ok()?,
    };
    UNIX_EPOCH.checked_add(since)
}
