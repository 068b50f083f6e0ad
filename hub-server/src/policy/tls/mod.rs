//! The trust of TLS: who the hub is, and whom it lets show a certificate.
//!
//! - [`files`]: certificate, key, client CAs and revocation lists, read and checked as a whole
//! - [`contents`]: the bytes of these files at one moment
//! - [`setup`]: what they make, with which handshakes are held until the files change
//! - [`in_force`]: the setup that the next handshake is held with
//! - [`authorities`]: CAs from a file
//! - [`names`]: what a client's certificate says of its client
//!
//! Handshakes and records are in `crate::net::tls`. The invariants, and what breaks without each:
//!
//! - **No session is resumed.** A resumed one would not show its certificate again, and so would
//!   outlive its revocation. Connections live long, so there is little to gain.
//! - **The private key is in no error and no log.** What is wrong with its file is said in words
//!   of our own alone.

pub(crate) mod alpn;
pub(crate) mod authorities;
mod contents;
pub(crate) mod files;
pub(crate) mod in_force;
pub(crate) mod metrics;
pub(crate) mod names;
pub(crate) mod setup;
