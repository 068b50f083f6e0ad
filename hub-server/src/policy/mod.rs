//! Holds the policy: what each client may do at this hub. The policy consists of access, the rules of
//! the scrub, and the trust of TLS.
//!
//! - [`access`] decides which identity a client has, and what it may do. [`access_file`] loads the file,
//!   and [`access_in_force`] holds the table that sessions read.
//! - [`rules`] holds the rules of the scrub in force. [`rule_file`] loads their file.
//! - [`tls`] holds certificates, client CAs and revocation lists.
//! - [`key_fetches`] fetches the keys of identity providers from their URLs.
//! - [`hashing`] has the threads that compute hashes of secrets, and [`hash_queue`] decides whose turn it
//!   is.
//! - [`scrub_threads`] has the threads that scrub costly events.
//! - [`round`] gives each of those who wait for such a thread their turn.
//! - [`shadow_samples`] logs what rules in shadow mode would do.
//!
//! The files are only loaded and checked here. `crate::put_in_force` puts them in force. If a file did
//! that itself, it would have to know every session, and this module would import the whole hub.

pub mod access;
pub(crate) mod access_file;
pub(crate) mod access_in_force;
pub(crate) mod hash_queue;
pub(crate) mod hashing;
pub(crate) mod key_fetches;
mod round;
pub(crate) mod rule_file;
pub(crate) mod rules;
pub(crate) mod scrub_threads;
mod shadow_samples;
pub(crate) mod tls;

use access::Access;
use access_in_force::AccessInForce;
use hashing::Hashing;
use key_fetches::KeyFetches;
use rules::RulesInForce;
use scrub_threads::ScrubThreads;
use std::sync::Arc;
use tls::in_force::TlsInForce;

/// Holds the policy in force. Each part is replaced as a whole when its file changes.
#[derive(Debug)]
pub(crate) struct Policy {
    pub access: Arc<AccessInForce>,
    pub rules: RulesInForce,
    pub tls: Arc<TlsInForce>,
    pub key_fetches: KeyFetches,
    pub hashing: Hashing,
    pub scrubbing: ScrubThreads,
}

impl Policy {
    /// Creates the policy of a hub with this access, without rules and without TLS.
    pub(crate) fn new(access: Access, hashing: Hashing, scrubbing: ScrubThreads) -> Self {
        Policy {
            access: Arc::new(AccessInForce::new(access)),
            rules: RulesInForce::default(),
            tls: Arc::default(),
            key_fetches: KeyFetches::new(),
            hashing,
            scrubbing,
        }
    }
}
