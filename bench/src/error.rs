//! The error type of the load generator. Every module returns it, so its module imports no other
//! one.

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
        /// What the generator was doing.
        what: String,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The generator could not connect to the server.
    #[error("cannot connect to {addr}")]
    Connect {
        /// The address of the server.
        addr: SocketAddr,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The server sent something that its protocol does not allow at this point, or refused
    /// something.
    #[error("the server answered: {0}")]
    Server(String),
    /// The server did not answer in time.
    #[error("no answer from the server within {} s", .0.as_secs())]
    Silent(Duration),
    /// A thread of the generator ended early.
    #[error("a thread of the load generator ended early")]
    Thread,
    /// The plan asks for something that is impossible.
    #[error("{0}")]
    Plan(String),
}

impl BenchError {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> BenchError {
        let what = what.into();
        move |source| BenchError::Io { what, source }
    }
}
