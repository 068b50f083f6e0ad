//! The one error of the load generator. Every module returns it, so it stands below all of them.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use thiserror::Error;

/// Why a measurement could not be made.
#[derive(Debug, Error)]
pub enum BenchError {
    /// A socket failed.
    #[error("{what}")]
    Io {
        /// What was being done.
        what: String,
        /// The system's reason.
        source: io::Error,
    },
    /// The server could not be reached.
    #[error("cannot connect to {addr}")]
    Connect {
        /// Where it should be.
        addr: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
    /// The server sent what its protocol does not allow here, or refused something.
    #[error("the server answered: {0}")]
    Server(String),
    /// The server did not answer in time.
    #[error("no answer from the server within {} s", .0.as_secs())]
    Silent(Duration),
    /// A thread of the generator ended early.
    #[error("a thread of the load generator ended early")]
    Thread,
    /// The plan asks for something that cannot be.
    #[error("{0}")]
    Plan(String),
}

impl BenchError {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> BenchError {
        let what = what.into();
        move |source| BenchError::Io { what, source }
    }
}
