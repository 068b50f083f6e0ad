//! Defines the identity of a client. It holds what the client has proven, so that the hub can check that
//! again when the access file changes.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use super::credentials::PeerCertificate;
use super::hash::{Kind, SecretHash};
use super::jwt::Verified;
use super::name::IdentityName;
use super::rights::Rights;

/// Holds the identity of a client that was accepted: its name and its rights. An identity is cheap
/// to clone.
///
/// The rights are those of the access file under which the client was accepted. After a reload,
/// [`Access::reauthorise`] gives the new rights.
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

/// Holds how the client has proven its identity, as far as the hub needs that to check it again.
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

    /// Returns the name, which has 1 to 128 of the bytes that [`IdentityName`] allows. All
    /// anonymous clients have the name `anonymous`, and no other identity has it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.name.as_str()
    }

    /// Returns whether the client has proven no identity.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        matches!(self.0.proof, IdentityProof::Anonymous { .. })
    }

    /// Returns the names of the identity's roles.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.0.roles.iter().map(|role| &**role)
    }

    /// Returns what the identity may do.
    #[must_use]
    pub fn rights(&self) -> &Rights {
        &self.0.rights
    }

    /// Returns the view in which the client gets events, if its roles name one.
    #[must_use]
    pub fn view(&self) -> Option<&str> {
        self.rights().view()
    }

    /// Says that the identity may not do `what`, and that a role of the access file would have to say
    /// `line`. The text is for the client itself, which knows its own name.
    pub(crate) fn lacks(&self, what: &str, line: &str) -> String {
        let (name, roles) = (self.name(), self.roles_in_words());
        format!("{name} may not {what}: the access file would have to say {line} in {roles}")
    }

    /// Says that the identity may not do `what`, because of a filter under `key` in one of its roles.
    pub(crate) fn is_denied(&self, what: &str, key: &str) -> String {
        let (name, roles) = (self.name(), self.roles_in_words());
        format!("{name} may not {what}: the access file denies that under {key} in {roles}")
    }

    fn roles_in_words(&self) -> String {
        /// An identity may have hundreds of roles, and a refusal should stay short.
        const MOST: usize = 8;
        let shown: Vec<&str> = self.roles().take(MOST).collect();
        let more = self.0.roles.len() - shown.len();
        match shown.as_slice() {
            [] => "a role that this identity has; now it has none".to_owned(),
            [role] => format!("the role {role}"),
            roles if more == 0 => format!("one of the roles {}", roles.join(", ")),
            roles => format!("one of the roles {} and {more} more", roles.join(", ")),
        }
    }

    /// Returns the time from which on the credentials no longer hold, with the leeway added.
    #[must_use]
    pub fn expires(&self) -> Option<SystemTime> {
        self.0.expires
    }

    /// Returns how the identity was proven: `anonymous`, `certificate`, `token`, `password` or
    /// `jwt`. The word is for logs and metrics.
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

    /// Returns whether this is a clone of the other identity, and not the result of another
    /// authentication.
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
