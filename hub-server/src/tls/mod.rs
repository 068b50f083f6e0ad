//! TLS for clients, and for HTTP: who the hub is, and who its clients are.
//!
//! - `files`: certificate, key, client CAs and revocation lists, read and checked as a whole
//! - `setup`: what they make, with which handshakes are held until the files change
//! - `handshake`: from an accepted socket to an encrypted one
//! - `channel`, `stream`: records in, records out
//! - `names`: what a client's certificate says of it
//!
//! Invariants, and what breaks without each:
//!
//! - **Handshakes run on the accepting thread**, never on one that serves clients. Otherwise a
//!   crowd that connects at once would make everyone's events late.
//! - **No session is resumed.** A resumed one would not show its certificate again, and so would
//!   outlive its revocation. Connections live long, so there is little to gain.
//! - **Memory before the handshake's end is bounded**, in bytes and in time.
//! - **An end without close_notify is a broken connection.** Otherwise whoever can cut the
//!   connection could make "that was all" out of "there was more".
//! - **The private key is in no error and no log.** What is wrong with its file is said in words
//!   of our own alone.

mod channel;
mod files;
mod handshake;
mod metrics;
mod names;
mod setup;
mod stream;

pub(crate) use files::TlsFiles;
pub use files::{TlsError, TlsFileFault};
pub(crate) use handshake::shake_hands;
pub(crate) use metrics::TlsMetrics;
pub(crate) use setup::{CurrentCertificate, TlsInForce, TlsSetup, authorities};
pub(crate) use stream::TlsStream;

/// What client and hub agree to speak inside TLS (ALPN).
pub const ALPN: &[u8] = b"hub/1";
