//! Connections, before and below their sessions: accepting, TLS, reading and writing.
//!
//! - [`listener`]: accepts connections, and gives each to an arbiter
//! - [`rejection`]: tells a client why it is not let in
//! - [`socket`]: a connection, plain or encrypted, with one interface
//! - [`tls`]: handshakes and records
//!
//! This room knows nothing of sessions: the listener is handed what begins one. Otherwise sockets and
//! sessions would import one another.

pub(crate) mod listener;
mod read_some;
mod rejection;
pub(crate) mod socket;
pub(crate) mod tls;
