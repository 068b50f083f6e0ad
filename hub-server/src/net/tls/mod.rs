//! Does TLS on the wire: TLS handshakes, and records in both directions.
//!
//! - [`handshake`] turns an accepted socket into an encrypted one.
//! - [`channel`] and [`stream`] encrypt and decrypt records.
//!
//! The following invariants hold, and each of them says what would break without it:
//!
//! - **TLS handshakes run on the accepting thread**, and never on a thread that serves clients.
//!   Otherwise a crowd of new clients would delay the events of all clients.
//! - **Memory before the end of the TLS handshake is bounded**, in bytes and in time. Otherwise
//!   clients without credentials could use up the memory of the hub.
//! - **An end without close_notify is a broken connection.** Otherwise an attacker who can cut the
//!   connection could make a part of a message look like all of it.

mod channel;
pub(crate) mod handshake;
pub(crate) mod stream;
