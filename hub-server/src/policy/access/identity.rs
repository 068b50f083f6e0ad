//! Who a client is.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use super::credentials::PeerCertificate;
use super::hash::{Kind, SecretHash};
use super::jwt::Verified;
use super::name::IdentityName;
use super::rights::Rights;

/// A client that was let in: its name and what it may do. Cheap to clone.
///
/// Its rights are those of the access file at that time; [`Access::reauthorise`] gives the new
/// ones after a reload.
///
/// [`Access::reauthorise`]: super::Access::reauthorise
#[derive(Clone)]
pub struct Identity(Arc<Inner>);

struct Inner {
    name: IdentityName,
    roles: Vec<Arc<str>>,
    rights: Arc<Rights>,
    expires: Option<SystemTime>,
    proof: IdentityProof,
}

/// How it proved who it is, as far as needed to ask whether that still holds.
pub(super) enum IdentityProof {
    Anonymous { loopback: bool },
    Certificate(PeerCertificate),
    Secret { kind: Kind, id: Arc<str>, hash: Arc<SecretHash> },
    Jwt(Arc<Verified>),
}

impl Identity {
    pub(super) fn new(
        name: IdentityName,
        roles: Vec<Arc<str>>,
        rights: Arc<Rights>,
        expires: Option<SystemTime>,
        proof: IdentityProof,
    ) -> Self {
        Identity(Arc::new(Inner { name, roles, rights, expires, proof }))
    }

    /// Its name: 1 to 128 bytes of those that [`IdentityName`] allows. `anonymous` for all
    /// anonymous clients, and for nobody else.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.name.as_str()
    }

    /// Whether it gave no proof of who it is.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        matches!(self.0.proof, IdentityProof::Anonymous { .. })
    }

    /// The names of its roles.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.0.roles.iter().map(|role| &**role)
    }

    /// What it may do.
    #[must_use]
    pub fn rights(&self) -> &Rights {
        &self.0.rights
    }

    /// The view in which it gets events, if its roles name one.
    #[must_use]
    pub fn view(&self) -> Option<&str> {
        self.rights().view()
    }

    /// From when on its credentials no longer hold, leeway included.
    #[must_use]
    pub fn expires(&self) -> Option<SystemTime> {
        self.0.expires
    }

    /// How it proved who it is: `anonymous`, `certificate`, `token`, `password` or `jwt`. For logs
    /// and metrics.
    #[must_use]
    pub fn method(&self) -> &'static str {
        match self.0.proof {
            IdentityProof::Anonymous { .. } => "anonymous",
            IdentityProof::Certificate(_) => "certificate",
            IdentityProof::Secret { kind: Kind::Token, .. } => "token",
            IdentityProof::Secret { kind: Kind::Password, .. } => "password",
            IdentityProof::Jwt(_) => "jwt",
        }
    }

    /// Whether it is a clone of the other one, and not who came of asking again.
    pub(crate) fn is_same(&self, other: &Identity) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(super) fn proof(&self) -> &IdentityProof {
        &self.0.proof
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("name", &self.name())
            .field("method", &self.method())
            .field("roles", &self.0.roles)
            .finish_non_exhaustive()
    }
}
