//! Defines the errors with which a hub does not start. They are apart from `serve`, because the modules
//! that `serve` uses return them, too.

use crate::policy::access_file::AccessFileError;
use crate::policy::rule_file::RulesError;
use crate::policy::tls::files::TlsError;
use std::net::SocketAddr;
use thiserror::Error;

/// States why a hub does not run.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The hub cannot listen on an address.
    #[error("cannot listen on {address}")]
    Listen {
        /// The hub was configured to listen on this address.
        address: SocketAddr,
        /// The operating system returned this error.
        source: std::io::Error,
    },
    /// The operating system did not give the hub a thread, a socket or another resource.
    #[error("cannot start")]
    Start(#[source] std::io::Error),
    /// The rule file cannot be used.
    #[error("cannot use the rules")]
    Rules(#[from] RulesError),
    /// The access file cannot be used.
    #[error("cannot use the access file")]
    Access(#[from] AccessFileError),
    /// The TLS files cannot be used.
    #[error("cannot use TLS")]
    Tls(#[from] TlsError),
    /// The metrics cannot be registered.
    #[error("cannot register the metrics")]
    Metrics(#[from] prometheus::Error),
    /// The operating system gave no random numbers.
    #[error("no random numbers: {0}")]
    Random(getrandom::Error),
}
