//! The connections below their sessions: accepting, TLS, reading and writing.
//!
//! - [`listener`]: accepts connections, and gives each to an arbiter
//! - [`rejection`]: tells a client why it is not admitted
//! - [`socket`]: a connection with one interface, whether plain or encrypted
//! - [`tls`]: handshakes and records
//!
//! These modules know nothing of sessions: the listener gets a function that begins one. Otherwise sockets
//! and sessions would import one another.

pub(crate) mod listener;
mod read_some;
mod rejection;
pub(crate) mod socket;
pub(crate) mod tls;
