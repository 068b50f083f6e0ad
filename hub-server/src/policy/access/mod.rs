//! Decides which identity a client has, and what that identity may do.
//!
//! The module uses no sockets and no clock: the server passes in what it knows of the client, and the
//! time. The module has these invariants:
//!
//! - **Deny comes before allow, topic by topic.** A wildcard subscription is accepted by its filter, but each
//!   topic that it matches is checked by name. Otherwise `**` would read denied topics.
//! - **No wildcard matches the hub's own topics**, and the name of an identity never becomes more than one
//!   token. Otherwise a client could choose a name that widens its rights.
//! - **Wrong credentials are refused**, and never treated as no credentials. Otherwise a revoked token would
//!   still give the rights of anonymous clients.
//! - **A connection stays for as long as its credentials would be accepted again**: [`Access::reauthorise`]
//!   checks the same things as [`Access::authenticate`]. Otherwise a revocation would concern only later
//!   connections.
//! - **An error contains nothing of its subject**: no secret, hash, claim or line of the file. Otherwise
//!   a log could reveal it.

mod authenticate;
mod credentials;
mod error;
mod file;
mod filters;
mod hash;
mod identity;
mod jwks;
mod jwt;
mod keys;
mod name;
mod named_files;
mod powers;
mod remote;
mod rights;
mod role;
mod secret_hashes;
mod table;
mod token;
mod token_format;
mod toml_reader;
mod unknown_names;

pub use self::credentials::{Credentials, Peer, PeerCertificate};
pub use self::error::{AccessError, Denied, Reason};
pub use self::filters::{covers, overlap};
pub use self::hash::{HashError, MIN_PASSWORD, hash_password};
pub(crate) use self::hash::{MAX_MEMORY_KIB, free_memory, kept_memory};
pub use self::identity::Identity;
pub use self::name::IdentityName;
pub(crate) use self::named_files::MAX_NAMED_FILE;
pub use self::named_files::{Files, Folder};
pub(crate) use self::remote::{Fetcher, JwksEndpoint};
pub use self::rights::{PublishRate, Rights, Subscribable};
pub use self::table::Access;
pub(crate) use self::table::FOR_NOBODY;
pub use self::token::{NewToken, create_token};
