//! Everything that one access file says, after it was read and checked.

use super::error::Reason;
use super::identity::{Identity, IdentityProof};
use super::jwt;
use super::name::IdentityName;
use super::remote::RemoteKeys;
use super::rights::{Rights, Role};
use super::secret_hashes::SecretHashes;
use crate::text::count;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

/// The name that all anonymous clients have, and nobody else.
pub(super) const ANONYMOUS: &str = "anonymous";

/// Everything that one access file says. It does not change once it is loaded: a reload makes a new
/// one. Keys from a URL are the exception: the hub fetches them when the file is in force; until
/// then, a JWT that needs them is refused.
pub struct Access {
    pub(super) roles: HashMap<String, Arc<Role>>,
    pub(super) identities: HashMap<IdentityName, IdentityEntry>,
    pub(super) certificates: HashMap<String, IdentityName>,
    pub(super) other_certificates: Option<jwt::IdentityNaming>,
    pub(super) issuers: Vec<jwt::Issuer>,
    pub(super) anonymous: Anonymous,
    /// None where no identity has a secret.
    pub(super) secret_hashes: Option<SecretHashes>,
    pub(super) files: Vec<String>,
}

/// An identity that the access file names, with what it may do.
#[derive(Clone)]
pub(super) struct IdentityEntry {
    pub(super) name: IdentityName,
    pub(super) roles: Vec<Arc<str>>,
    pub(super) rights: Arc<Rights>,
}

/// What anonymous clients may do: those of this machine, and those of other machines. Without an
/// entry they are refused.
#[derive(Default)]
pub(super) struct Anonymous {
    pub(super) loopback: Option<IdentityEntry>,
    pub(super) elsewhere: Option<IdentityEntry>,
}

impl IdentityEntry {
    pub(super) fn new(name: IdentityName, roles: &[Arc<Role>]) -> Result<Self, Reason> {
        let rights = Arc::new(Rights::of(roles, &name)?);
        let roles = roles.iter().map(|role| role.name.clone()).collect();
        Ok(IdentityEntry { name, roles, rights })
    }

    pub(super) fn enter(&self, expires: Option<SystemTime>, proof: IdentityProof) -> Identity {
        Identity::new(self.name.clone(), self.roles.clone(), self.rights.clone(), expires, proof)
    }
}

impl Access {
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
        let entry = |rights| {
            let name = IdentityName::parse(ANONYMOUS)?;
            Some(IdentityEntry { name, roles: Vec::new(), rights: Arc::new(rights) })
        };
        let elsewhere = if everywhere { entry(Rights::all_topics()) } else { None };
        let anonymous = Anonymous { loopback: entry(Rights::everything()), elsewhere };
        let roles = vec![Arc::new(Role::all_topics("certified".into()))];
        let other_certificates = Some(jwt::IdentityNaming { prefix: String::new(), roles });
        Access { anonymous, other_certificates, ..Access::empty() }
    }

    pub(super) fn empty() -> Access {
        Access {
            roles: HashMap::new(),
            identities: HashMap::new(),
            certificates: HashMap::new(),
            other_certificates: None,
            issuers: Vec::new(),
            anonymous: Anonymous::default(),
            secret_hashes: None,
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
        let identities = count(self.identities.len(), "identity", "identities");
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
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("identities", &self.identities.len())
            .field("roles", &self.roles.len())
            .finish_non_exhaustive()
    }
}
