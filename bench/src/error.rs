//! Defines the error type of the load generator. Every other module uses the type, so this module
//! imports none of them.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use thiserror::Error;

/// States why a measurement could not be made.
#[derive(Debug, Error)]
pub enum BenchError {
    /// A socket failed.
    #[error("{what}")]
    Io {
        /// The message says what the generator could not do.
        what: String,
        /// The operating system reported this error.
        source: io::Error,
    },
    /// The generator could not connect to the server.
    #[error("cannot connect to {addr}")]
    Connect {
        /// The server was expected at this address.
        addr: SocketAddr,
        /// The operating system reported this error.
        source: io::Error,
    },
    /// The server refused a request, closed the connection, or sent something that its protocol does
    /// not allow at this point.
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
