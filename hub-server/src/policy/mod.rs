//! What may be done at this hub, and by whom: access, the rules of the scrub, the trust of TLS.
//!
//! - [`access`]: who gets in, and what each may do; [`access_file`] and [`access_in_force`] are its
//!   file and where sessions find it
//! - [`rules`]: the rules of the scrub in force; [`rule_file`] is their file
//! - [`tls`]: certificates, client CAs, revocation lists
//! - [`key_fetches`]: keys of identity providers, from their URLs
//! - [`hashing`]: threads for the hashes of secrets
//! - [`shadow_samples`]: log lines of rules that only count
//!
//! Files here are only loaded and checked. `crate::put_in_force` puts them into force; if a file did so
//! itself, it would need to know every session, and this room would import the whole hub.

pub mod access;
pub(crate) mod access_file;
pub(crate) mod access_in_force;
pub(crate) mod hashing;
pub(crate) mod key_fetches;
pub(crate) mod rule_file;
pub(crate) mod rules;
mod shadow_samples;
pub(crate) mod tls;

use access::Access;
use access_in_force::AccessInForce;
use hashing::Hashing;
use key_fetches::KeyFetches;
use rules::RulesInForce;
use std::sync::Arc;
use tls::in_force::TlsInForce;

/// The policy in force. Each part is replaced as a whole when its file changes.
#[derive(Debug)]
pub(crate) struct Policy {
    pub access: Arc<AccessInForce>,
    pub rules: RulesInForce,
    pub tls: Arc<TlsInForce>,
    pub key_fetches: KeyFetches,
    pub hashing: Hashing,
}

impl Policy {
    /// The policy of a hub without any of these files.
    pub(crate) fn new(access: Access, hashing: Hashing) -> Self {
        Policy {
            access: Arc::new(AccessInForce::new(access)),
            rules: RulesInForce::default(),
            tls: Arc::default(),
            key_fetches: KeyFetches::new(),
            hashing,
        }
    }
}
