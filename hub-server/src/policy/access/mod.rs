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
mod remote;
mod rights;
mod secret_hashes;
mod table;
mod token;
mod token_format;
mod toml_reader;

pub use self::credentials::{Credentials, Peer, PeerCertificate};
pub use self::error::{AccessError, Denied, Reason};
pub use self::filters::{covers, overlap};
pub(crate) use self::hash::free_memory;
pub use self::hash::{HashError, MIN_PASSWORD, hash_password};
pub use self::identity::Identity;
pub use self::name::IdentityName;
pub use self::named_files::{Files, Folder};
pub(crate) use self::remote::{Fetcher, JwksEndpoint};
pub use self::rights::{PublishRate, Rights, Subscribable};
pub use self::table::Access;
pub use self::token::{NewToken, create_token};
