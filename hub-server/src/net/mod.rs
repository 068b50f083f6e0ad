//! Handles connections below their sessions: it accepts them, does TLS, reads and writes.
//!
//! - [`listener`] accepts connections, and gives each of them to an arbiter.
//! - [`rejection`] tells a client why it is not admitted.
//! - [`socket`] gives every connection one interface, whether it is plain or encrypted.
//! - [`tls`] does TLS handshakes, and encrypts and decrypts records.
//!
//! These modules know nothing of sessions: the listener gets a function that begins a session.
//! Otherwise sockets and sessions would import one another.

pub(crate) mod listener;
mod read_some;
mod rejection;
pub(crate) mod socket;
pub(crate) mod taken_by_tcp;
pub(crate) mod tls;
