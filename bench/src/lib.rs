//! A load generator for publish/subscribe servers.
//!
//! It exists to measure the server, not itself, so:
//!
//! - **What is sent is encoded beforehand.** A publisher writes one buffer of many messages over
//!   and over.
//! - **What is received is counted, not decoded.** The length of a delivered message is known, so
//!   a run of the hub is counted from its head, and other servers' messages by their first byte.
//! - **One message is compared byte for byte** before each measurement: a [`Dialect`] says what a
//!   subscriber must get, and a server that sends anything else is not measured.
//! - **Nothing is lost without being seen.** A publisher is at most a window ahead of its slowest
//!   subscriber, so that no server has to drop; at the end, what was due is compared with what
//!   came.
//!
//! All servers get the same generator; only the [`Dialect`] differs. [`load`] sends to subscribers,
//! as fast as it can or paced; [`request`] asks and answers; [`listen`] counts what
//! others send; [`idle`] holds connections open.

mod board;
mod clock;
pub mod dialect;
mod first;
pub mod idle;
mod intake;
pub mod listen;
pub mod load;
mod pace;
pub mod payload;
mod receive;
pub mod request;
mod send;
pub mod usage;

pub use dialect::Dialect;
pub use first::first_delivery;
pub use hdrhistogram::Histogram;
pub use payload::Payload;

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
