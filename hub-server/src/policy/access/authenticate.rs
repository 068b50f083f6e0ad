//! Decides which identity a client has: when it connects, and again whenever an access file has come
//! into force. Both decisions check the same things. Otherwise a revoked credential would stay good for
//! clients that are connected already.

use super::credentials::{Credentials, Peer, PeerCertificate};
use super::error::{Denied, Reason};
use super::hash::{self, Kind};
use super::identity::{Identity, IdentityProof};
use super::jwt;
use super::name::IdentityName;
use super::remote::RemoteKeys;
use super::rights::Role;
use super::table::{ANONYMOUS, Access, Anonymous, IdentityEntry};
use super::token_format;
use std::sync::Arc;
use std::time::SystemTime;

impl Access {
    /// Returns the fetched keys that would have to be newer to accept these credentials.
    pub(crate) fn missing_keys(&self, credentials: &Credentials) -> Vec<Arc<RemoteKeys>> {
        match credentials {
            Credentials::Jwt(jwt) => jwt::missing_keys(&self.issuers, jwt),
            _ => Vec::new(),
        }
    }

    /// Returns how many bytes of memory the argon2 hash takes that [`Access::authenticate`] would compute
    /// for these credentials, or `None` if it would compute none.
    ///
    /// A hash takes up to 0.2 s of a core and 64 MiB, depending on the parameters in the access
    /// file. If there is a hash to compute, call `authenticate` on a thread that serves no clients,
    /// and only a few times at once. All other credentials take well below a millisecond.
    #[must_use]
    pub fn hash_bytes(&self, credentials: &Credentials) -> Option<usize> {
        let (kind, id, secret) = secret_parts(credentials).ok()??;
        self.secret_hashes.as_ref()?.hash_bytes(kind, id, secret)
    }

    /// Returns the name or the id of the access token that the client claims to own, or `None` if no
    /// secret belongs to these credentials.
    pub(crate) fn claimed_id(credentials: &Credentials) -> Option<&str> {
        let (_, id, _) = secret_parts(credentials).ok()??;
        Some(id)
    }

    /// Authenticates a client. [`Access::hash_bytes`] tells whether the call is expensive.
    ///
    /// The credentials decide first, and then the certificate. A client without both is anonymous.
    /// Credentials that are given and not accepted are refused, even if the client would be
    /// accepted without them.
    ///
    /// # Errors
    /// The error says why the client is not accepted.
    pub fn authenticate(
        &self,
        credentials: &Credentials,
        peer: &Peer,
        now: SystemTime,
    ) -> Result<Identity, Denied> {
        if let Some((kind, id, secret)) = secret_parts(credentials)? {
            let stored = match &self.secret_hashes {
                Some(secret_hashes) => secret_hashes.verify(kind, id, secret)?,
                None => return Err(Reason::Unknown.into()),
            };
            let proof = IdentityProof::Secret { kind, id: id.into(), hash: stored.hash.clone() };
            return self.listed(&stored.owner, proof);
        }
        if let Credentials::Jwt(jwt) = credentials {
            let (admitted, verified) = jwt::authenticate(&self.issuers, jwt, now)?;
            return self.jwt_identity(admitted, Arc::new(verified));
        }
        match &peer.certificate {
            Some(certificate) => self.certified(certificate, now),
            None => self.anonymous(peer.loopback),
        }
    }

    /// Returns the present identity of a client that was accepted under this or another access
    /// file. Call this function for each connection after a reload, and when [`Identity::expires`]
    /// has come. The new identity has the new rights. The function needs no secret and computes no
    /// hash.
    ///
    /// # Errors
    /// The error means that the credentials would no longer be accepted, or belong to another
    /// identity now.
    pub fn reauthorise(&self, identity: &Identity, now: SystemTime) -> Result<Identity, Denied> {
        let renewed = match identity.proof() {
            IdentityProof::Anonymous { loopback } => self.anonymous(*loopback)?,
            IdentityProof::Certificate(certificate) => self.certified(certificate, now)?,
            IdentityProof::Secret { kind, id, hash } => {
                let stored = self
                    .secret_hashes
                    .as_ref()
                    .and_then(|secret_hashes| secret_hashes.get(*kind, id));
                let stored =
                    stored.filter(|stored| stored.hash.same(hash)).ok_or(Reason::Revoked)?;
                let proof =
                    IdentityProof::Secret { kind: *kind, id: id.clone(), hash: hash.clone() };
                self.listed(&stored.owner, proof)?
            }
            IdentityProof::Jwt(verified) => {
                let admitted = jwt::reauthorise(&self.issuers, verified, now)?;
                self.jwt_identity(admitted, verified.clone())?
            }
        };
        if renewed.name() == identity.name() { Ok(renewed) } else { Err(Reason::Revoked.into()) }
    }

    fn anonymous(&self, loopback: bool) -> Result<Identity, Denied> {
        let Anonymous { loopback: here, elsewhere } = &self.anonymous;
        let entry = if loopback { here } else { elsewhere };
        let entry = entry.as_ref().ok_or(Reason::CredentialsRequired)?;
        Ok(entry.identity(None, IdentityProof::Anonymous { loopback }))
    }

    /// Returns the identity of a certificate: the identity that lists one of the certificate's
    /// names, or otherwise a new identity with the first of these names that can be the name of an
    /// identity.
    fn certified(
        &self,
        certificate: &PeerCertificate,
        now: SystemTime,
    ) -> Result<Identity, Denied> {
        let PeerCertificate { names, expires } = certificate;
        if expires.is_some_and(|expires| expires <= now) {
            return Err(Reason::Expired.into());
        }
        let proof = IdentityProof::Certificate(certificate.clone());
        if let Some(owner) = names.iter().find_map(|name| self.certificates.get(name)) {
            let entry = self.identities.get(owner).ok_or(Reason::Unknown)?;
            return Ok(entry.identity(*expires, proof));
        }
        let maker = self.other_certificates.as_ref().ok_or(Reason::UnknownCertificate)?;
        let name = names.iter().find_map(|name| maker.name(name).ok()).ok_or(Reason::BadName)?;
        self.unlisted(name, &maker.roles, *expires, proof)
    }

    fn jwt_identity(
        &self,
        admitted: jwt::JwtIdentity,
        verified: Arc<jwt::Verified>,
    ) -> Result<Identity, Denied> {
        let jwt::JwtIdentity { name, roles, expires } = admitted;
        self.unlisted(name, &roles, Some(expires), IdentityProof::Jwt(verified))
    }

    /// Creates an identity that the access file does not name. Refuses a name that the access file
    /// uses for another identity.
    fn unlisted(
        &self,
        name: IdentityName,
        roles: &[Arc<Role>],
        expires: Option<SystemTime>,
        proof: IdentityProof,
    ) -> Result<Identity, Denied> {
        if name.as_str() == ANONYMOUS || self.identities.contains_key(&name) {
            return Err(Reason::NameTaken.into());
        }
        if roles.is_empty() {
            return Err(Reason::NoRole.into());
        }
        Ok(IdentityEntry::new(name, roles)?.identity(expires, proof))
    }

    fn listed(&self, name: &str, proof: IdentityProof) -> Result<Identity, Denied> {
        let entry = self.identities.get(name).ok_or(Reason::Unknown)?;
        Ok(entry.identity(None, proof))
    }
}

/// Returns the kind, the id and the secret of credentials that are verified by a hash, and `None`
/// for other credentials.
fn secret_parts(credentials: &Credentials) -> Result<Option<(Kind, &str, &str)>, Reason> {
    match credentials {
        Credentials::None | Credentials::Jwt(_) => Ok(None),
        Credentials::Token(token) => {
            let (id, secret) = token_format::split(token).ok_or(Reason::Malformed)?;
            Ok(Some((Kind::Token, id, secret)))
        }
        Credentials::Password { user, password } => {
            let fits = IdentityName::parse(user).is_some() && password.len() <= hash::MAX_PASSWORD;
            if fits { Ok(Some((Kind::Password, user, password))) } else { Err(Reason::Malformed) }
        }
    }
}
