//! Who a client is, and what it may do.
//!
//! No sockets and no clock: the server passes in what it knows of the peer, and the time. The
//! invariants, and what breaks without each:
//!
//! - **Deny before allow, topic by topic.** A wildcard subscription is accepted by its filter, but
//!   each topic that it meets is asked for by name. Otherwise `**` would read what is denied.
//! - **What is the hub's own is never matched by a wildcard**, and an identity's name never
//!   becomes more than one token. Otherwise a client could choose a name that widens its rights.
//! - **Credentials that are given and wrong are refused**, never taken for none. Otherwise a
//!   revoked token would still be worth what anonymous clients may do.
//! - **A connection stays for as long as its credentials would be accepted anew**:
//!   [`Access::reauthorise`] asks the same questions as [`Access::authenticate`]. Otherwise
//!   revocation would only concern those who come later.
//! - **An error never holds what it is about**: no secret, hash, claim or line of the file.

use crate::text::count;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

mod error;
mod file;
mod filters;
mod hash;
mod identity;
mod jwks;
mod jwt;
mod keys;
mod name;
mod read;
mod remote;
mod rights;
mod token;
mod vault;

use self::hash::Kind;
use self::identity::Origin;
use self::rights::Role;
use self::vault::Vault;

pub use self::error::{AccessError, Denied, Reason};
pub use self::filters::{covers, overlap};
pub(crate) use self::hash::free_memory;
pub use self::hash::{HashError, MIN_PASSWORD, hash_password};
pub use self::identity::Identity;
pub use self::name::IdentityName;
pub(crate) use self::remote::{Fetcher, KeySource, RemoteKeys};
pub use self::rights::{PublishRate, Rights, Subscribable};
pub use self::token::{NewToken, create_token};

/// The name that all anonymous clients have, and nobody else.
const ANONYMOUS: &str = "anonymous";

/// What a client shows to get in.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing: then its certificate counts, or else it is anonymous.
    None,
    /// A token made by [`create_token`].
    Token(String),
    /// A name and a password.
    Password {
        /// The name of an identity.
        user: String,
        /// Its password.
        password: String,
    },
    /// A signed token of an identity provider.
    Jwt(String),
}

/// Says only of which kind they are.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Credentials::None => "None",
            Credentials::Token(_) => "Token(…)",
            Credentials::Password { .. } => "Password(…)",
            Credentials::Jwt(_) => "Jwt(…)",
        })
    }
}

/// What the hub knows of the other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Whether it is on this machine, by its address.
    pub loopback: bool,
    /// What its certificate says, if TLS verified one.
    pub certificate: Option<PeerCertificate>,
}

/// What a verified certificate says of its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerCertificate {
    /// URIs, DNS names and e-mail addresses of the subject's alternative names, in this order; if
    /// there is none, the subject's common name. Any text: what is no name of an identity does not
    /// become one.
    pub names: Vec<String>,
    /// From when on it is not valid.
    pub expires: Option<SystemTime>,
}

/// Reads the files that an access file names.
pub trait Files {
    /// The text of a file.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn read(&self, path: &str) -> std::io::Result<String>;
}

/// Files on disk; relative paths begin at this folder, which is that of the access file.
#[derive(Clone, Debug)]
pub struct Folder(pub std::path::PathBuf);

impl Files for Folder {
    fn read(&self, path: &str) -> std::io::Result<String> {
        crate::text::read(&self.0.join(path))
    }
}

/// Everything of one access file. Not changed once loaded: a reload makes a new one. But keys from a
/// URL are fetched by the hub that it is in force at; until then, a JWT that needs them is refused.
pub struct Access {
    roles: HashMap<String, Arc<Role>>,
    members: HashMap<IdentityName, Member>,
    certificates: HashMap<String, IdentityName>,
    other_certificates: Option<jwt::NameMaker>,
    issuers: Vec<jwt::Issuer>,
    anonymous: Anonymous,
    /// None where no identity has a secret.
    vault: Option<Vault>,
    files: Vec<String>,
}

/// An identity before it comes in.
#[derive(Clone)]
struct Member {
    name: IdentityName,
    roles: Vec<Arc<str>>,
    rights: Arc<Rights>,
}

/// What anonymous clients get, by where they come from.
#[derive(Default)]
struct Anonymous {
    loopback: Option<Member>,
    elsewhere: Option<Member>,
}

impl Member {
    fn new(name: IdentityName, roles: &[Arc<Role>]) -> Result<Self, Reason> {
        let rights = Arc::new(Rights::of(roles, &name)?);
        let roles = roles.iter().map(|role| role.name.clone()).collect();
        Ok(Member { name, roles, rights })
    }

    fn enter(&self, expires: Option<SystemTime>, origin: Origin) -> Identity {
        Identity::new(self.name.clone(), self.roles.clone(), self.rights.clone(), expires, origin)
    }
}

impl Access {
    /// Reads an access file. `source` names it in errors.
    ///
    /// ```
    /// use hub_server::access::{Access, Folder};
    /// let text = r#"
    ///     [roles.reader]
    ///     subscribe.allow = "orders.**"
    ///     [anonymous]
    ///     roles = "reader"
    /// "#;
    /// let access = Access::load(text, "access.toml", &Folder(".".into()))?;
    /// # Ok::<(), hub_server::access::AccessError>(())
    /// ```
    ///
    /// # Errors
    /// The first thing wrong, with line and key.
    pub fn load(text: &str, source: &str, files: &dyn Files) -> Result<Access, AccessError> {
        file::load(text, source, files)
    }

    /// What holds without an access file: anonymous clients of this machine may do everything,
    /// those with a certificate of a CA that the hub trusts may publish and subscribe to
    /// everything, and nobody else anything.
    #[must_use]
    pub fn default_loopback() -> Access {
        Access::without_file(false)
    }

    /// As [`Access::default_loopback`]; with `everywhere`, anonymous clients of other machines
    /// may publish and subscribe to everything too, but neither administer nor see the quarantine.
    #[must_use]
    pub fn without_file(everywhere: bool) -> Access {
        let member = |rights| {
            let name = IdentityName::parse(ANONYMOUS)?;
            Some(Member { name, roles: Vec::new(), rights: Arc::new(rights) })
        };
        let elsewhere = if everywhere { member(Rights::all_topics()) } else { None };
        let anonymous = Anonymous { loopback: member(Rights::everything()), elsewhere };
        let roles = vec![Arc::new(Role::all_topics("certified".into()))];
        let other_certificates = Some(jwt::NameMaker { prefix: String::new(), roles });
        Access { anonymous, other_certificates, ..Access::empty() }
    }

    fn empty() -> Access {
        Access {
            roles: HashMap::new(),
            members: HashMap::new(),
            certificates: HashMap::new(),
            other_certificates: None,
            issuers: Vec::new(),
            anonymous: Anonymous::default(),
            vault: None,
            files: Vec::new(),
        }
    }

    /// The paths, as written in the access file, of the files that were read for it. When one of
    /// them changes, load again.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    /// How much it declares: `2 identities, 1 role`.
    pub(crate) fn summary(&self) -> String {
        let identities = count(self.members.len(), "identity", "identities");
        format!("{identities}, {}", count(self.roles.len(), "role", "roles"))
    }

    /// The keys that are to be fetched: this here does not.
    pub(crate) fn remote_keys(&self) -> impl Iterator<Item = &Arc<RemoteKeys>> {
        self.issuers.iter().filter_map(|issuer| issuer.keys.remote())
    }

    /// Goes on with the keys that were fetched for the file before.
    pub(crate) fn take_over_keys(&self, former: &Access) {
        for keys in self.remote_keys() {
            if let Some(before) = former.remote_keys().find(|other| other.source == keys.source) {
                keys.take_over(before);
            }
        }
    }

    /// Of those, the ones that would have to be newer to accept these credentials.
    pub(crate) fn missing_keys(&self, credentials: &Credentials) -> Vec<Arc<RemoteKeys>> {
        match credentials {
            Credentials::Jwt(jwt) => jwt::missing_keys(&self.issuers, jwt),
            _ => Vec::new(),
        }
    }

    /// Whether [`Access::authenticate`] would compute an argon2 hash for this: up to 0.2 s of a
    /// core and 64 MiB, by the parameters in the access file. Then call it away
    /// from the threads that serve clients, and only a few times at once. Everything else takes
    /// well below a millisecond.
    #[must_use]
    pub fn must_hash(&self, credentials: &Credentials) -> bool {
        let parts = secret_parts(credentials);
        parts.is_ok_and(|parts| match (&self.vault, parts) {
            (Some(vault), Some((kind, id, secret))) => vault.must_hash(kind, id, secret),
            _ => false,
        })
    }

    /// Who a client is. See [`Access::must_hash`] for what it costs.
    ///
    /// Credentials count before a certificate, and a certificate before being anonymous; what is
    /// given and not accepted is refused, also if less would have been enough.
    ///
    /// # Errors
    /// It does not get in.
    pub fn authenticate(
        &self,
        credentials: &Credentials,
        peer: &Peer,
        now: SystemTime,
    ) -> Result<Identity, Denied> {
        if let Some((kind, id, secret)) = secret_parts(credentials)? {
            let stored = match &self.vault {
                Some(vault) => vault.verify(kind, id, secret)?,
                None => return Err(Reason::Unknown.into()),
            };
            let origin = Origin::Secret { kind, id: id.into(), hash: stored.hash.clone() };
            return self.enter(&stored.owner, origin);
        }
        if let Credentials::Jwt(jwt) = credentials {
            let (admitted, verified) = jwt::authenticate(&self.issuers, jwt, now)?;
            return self.admit(admitted, Arc::new(verified));
        }
        match &peer.certificate {
            Some(certificate) => self.certified(certificate, now),
            None => self.anonymous(peer.loopback),
        }
    }

    /// Who a client is now that was let in by this or another access file: call it for each
    /// connection after a reload, and when [`Identity::expires`] has come. The new identity has the
    /// new rights. No secret is needed, and nothing is hashed.
    ///
    /// # Errors
    /// Its credentials would not be accepted any more, or now stand for somebody else.
    pub fn reauthorise(&self, identity: &Identity, now: SystemTime) -> Result<Identity, Denied> {
        let renewed = match identity.origin() {
            Origin::Anonymous { loopback } => self.anonymous(*loopback)?,
            Origin::Certificate(certificate) => self.certified(certificate, now)?,
            Origin::Secret { kind, id, hash } => {
                let stored = self.vault.as_ref().and_then(|vault| vault.get(*kind, id));
                let stored =
                    stored.filter(|stored| stored.hash.same(hash)).ok_or(Reason::Revoked)?;
                let origin = Origin::Secret { kind: *kind, id: id.clone(), hash: hash.clone() };
                self.enter(&stored.owner, origin)?
            }
            Origin::Jwt(verified) => {
                let admitted = jwt::reauthorise(&self.issuers, verified, now)?;
                self.admit(admitted, verified.clone())?
            }
        };
        if renewed.name() == identity.name() { Ok(renewed) } else { Err(Reason::Revoked.into()) }
    }

    fn anonymous(&self, loopback: bool) -> Result<Identity, Denied> {
        let Anonymous { loopback: here, elsewhere } = &self.anonymous;
        let member = if loopback { here } else { elsewhere };
        let member = member.as_ref().ok_or(Reason::CredentialsRequired)?;
        Ok(member.enter(None, Origin::Anonymous { loopback }))
    }

    /// The identity that lists one of the names; or else, of those that can be the name of an
    /// identity, the first.
    fn certified(
        &self,
        certificate: &PeerCertificate,
        now: SystemTime,
    ) -> Result<Identity, Denied> {
        let PeerCertificate { names, expires } = certificate;
        if expires.is_some_and(|expires| expires <= now) {
            return Err(Reason::Expired.into());
        }
        let origin = Origin::Certificate(certificate.clone());
        if let Some(owner) = names.iter().find_map(|name| self.certificates.get(name)) {
            let member = self.members.get(owner).ok_or(Reason::Unknown)?;
            return Ok(member.enter(*expires, origin));
        }
        let maker = self.other_certificates.as_ref().ok_or(Reason::UnknownCertificate)?;
        let name = names.iter().find_map(|name| maker.name(name).ok()).ok_or(Reason::BadName)?;
        self.newcomer(name, &maker.roles, *expires, origin)
    }

    fn admit(
        &self,
        admitted: jwt::Admitted,
        verified: Arc<jwt::Verified>,
    ) -> Result<Identity, Denied> {
        let jwt::Admitted { name, roles, expires } = admitted;
        self.newcomer(name, &roles, Some(expires), Origin::Jwt(verified))
    }

    /// Somebody whom the access file does not name.
    fn newcomer(
        &self,
        name: IdentityName,
        roles: &[Arc<Role>],
        expires: Option<SystemTime>,
        origin: Origin,
    ) -> Result<Identity, Denied> {
        if name.as_str() == ANONYMOUS || self.members.contains_key(&name) {
            return Err(Reason::NameTaken.into());
        }
        if roles.is_empty() {
            return Err(Reason::NoRole.into());
        }
        Ok(Member::new(name, roles)?.enter(expires, origin))
    }

    fn enter(&self, name: &str, origin: Origin) -> Result<Identity, Denied> {
        let member = self.members.get(name).ok_or(Reason::Unknown)?;
        Ok(member.enter(None, origin))
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("identities", &self.members.len())
            .field("roles", &self.roles.len())
            .finish_non_exhaustive()
    }
}

/// Kind, id and secret of credentials that are verified by a hash.
fn secret_parts(credentials: &Credentials) -> Result<Option<(Kind, &str, &str)>, Reason> {
    match credentials {
        Credentials::None | Credentials::Jwt(_) => Ok(None),
        Credentials::Token(token) => {
            let (id, secret) = token::split(token).ok_or(Reason::Malformed)?;
            Ok(Some((Kind::Token, id, secret)))
        }
        Credentials::Password { user, password } => {
            let fits = IdentityName::parse(user).is_some() && password.len() <= hash::MAX_PASSWORD;
            if fits { Ok(Some((Kind::Password, user, password))) } else { Err(Reason::Malformed) }
        }
    }
}
