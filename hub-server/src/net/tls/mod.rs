//! TLS on the wire: handshakes, and records in and out.
//!
//! - [`handshake`]: from an accepted socket to an encrypted one
//! - [`channel`], [`stream`]: records in, records out
//!
//! The invariants, and what breaks without each:
//!
//! - **Handshakes run on the accepting thread**, never on one that serves clients. Otherwise a
//!   crowd that connects at once would make everyone's events late.
//! - **Memory before the handshake's end is bounded**, in bytes and in time.
//! - **An end without close_notify is a broken connection.** Otherwise whoever can cut the
//!   connection could make "that was all" out of "there was more".

mod channel;
pub(crate) mod handshake;
pub(crate) mod stream;
