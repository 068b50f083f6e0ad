//! Holds the contents of one access file, after it was read and checked. Decisions read this table and
//! never the file, so that a file with an error changes no decision.

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

/// All anonymous clients have this name, which no other identity has.
pub(super) const ANONYMOUS: &str = "anonymous";

/// Says that an access file lets nobody in, and what would let somebody in.
pub(crate) const FOR_NOBODY: &str = "the access file lets nobody in: it has no `identities`, \
    `anonymous`, `other_certificates` or `jwt`";

/// Holds the contents of one access file. They do not change once they are loaded, because a reload
/// creates a new table. Keys from a URL are the exception: the hub fetches them while the file is
/// in force, and refuses JWTs that need them until they are fetched.
pub struct Access {
    pub(super) roles: HashMap<String, Arc<Role>>,
    pub(super) identities: HashMap<IdentityName, IdentityEntry>,
    pub(super) certificates: HashMap<String, IdentityName>,
    pub(super) other_certificates: Option<jwt::IdentityNaming>,
    pub(super) issuers: Vec<jwt::Issuer>,
    pub(super) anonymous: Anonymous,
    /// Holds the hashes of secrets. `None` means that no identity has a secret.
    pub(super) secret_hashes: Option<SecretHashes>,
    pub(super) files: Vec<String>,
}

/// Holds the name of an identity, the names of its roles, and its rights.
#[derive(Clone)]
pub(super) struct IdentityEntry {
    pub(super) name: IdentityName,
    pub(super) roles: Vec<Arc<str>>,
    pub(super) rights: Arc<Rights>,
}

/// States what anonymous clients of this machine and those of other machines may do. Clients
/// without an entry are refused.
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

    pub(super) fn identity(&self, expires: Option<SystemTime>, proof: IdentityProof) -> Identity {
        Identity::new(self.name.clone(), self.roles.clone(), self.rights.clone(), expires, proof)
    }
}

impl Access {
    /// Returns the table that holds without an access file: anonymous clients of this machine may
    /// do everything, and clients with a certificate of a trusted CA may publish and subscribe to
    /// everything. All other clients are refused.
    #[must_use]
    pub fn default_loopback() -> Access {
        Access::without_file(false)
    }

    /// Returns the table of [`Access::default_loopback`]. With `everywhere`, anonymous clients of
    /// other machines may publish and subscribe to everything too, but they may not administer the
    /// hub or read the quarantine.
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

    /// Returns the paths of the files that were read for the access file, as the access file names
    /// them. When one of these files changes, load the access file again.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    /// Returns how much the file declares, such as `2 identities, 1 role`.
    pub(crate) fn summary(&self) -> String {
        let identities = count(self.identities.len(), "identity", "identities");
        format!("{identities}, {}", count(self.roles.len(), "role", "roles"))
    }

    /// Names the parts of the file that the hub does not use, and says why. Also says that the file
    /// lets nobody in.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let nobody = self.is_for_nobody().then(|| FOR_NOBODY.to_owned());
        nobody.into_iter().chain(self.issuers.iter().flat_map(|i| i.keys.warnings())).collect()
    }

    /// Returns whether the file declares nothing at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.roles.is_empty() && self.is_for_nobody()
    }

    /// Returns whether the file lets nobody in.
    pub(crate) fn is_for_nobody(&self) -> bool {
        self.identities.is_empty()
            && self.issuers.is_empty()
            && self.other_certificates.is_none()
            && self.anonymous.loopback.is_none()
    }

    /// Returns the keys that come from URLs. The caller has to fetch them.
    pub(crate) fn remote_keys(&self) -> impl Iterator<Item = &Arc<RemoteKeys>> {
        self.issuers.iter().filter_map(|issuer| issuer.keys.remote())
    }

    /// Takes over the keys that were fetched for the previous access file from the same sources.
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
