//! Holds the trust of TLS: the hub's own certificate, and which client certificates are accepted.
//!
//! - [`files`] reads and checks certificate, key, client CAs and revocation lists as a whole.
//! - [`contents`] holds the contents of these files at one moment.
//! - [`setup`] is made of the files, for the next TLS handshakes.
//! - [`in_force`] holds the setup for the next TLS handshake.
//! - [`key_log`] opens the file for the secrets of TLS connections, if the configuration asks for it.
//! - [`authorities`] reads CAs from a file.
//! - [`names`] reads the names in a client's certificate.
//!
//! TLS handshakes and records are in `crate::net::tls`. This module has these invariants:
//!
//! - **No TLS session is resumed.** A client that resumes does not show its certificate again, and so could
//!   connect after its revocation. Connections live long, so resuming would save little.
//! - **The private key is in no error and in no log.** Errors about its file use only texts of this module.
//!   Otherwise an error of a library could quote the key.
//! - **Secrets of TLS connections leave the process only if `tls_key_log` is on.** The variable `SSLKEYLOGFILE`
//!   alone, which another program of the same environment may need, never makes a hub write secrets.

pub(crate) mod alpn;
pub(crate) mod authorities;
mod contents;
pub(crate) mod files;
pub(crate) mod in_force;
mod key_log;
pub(crate) mod metrics;
pub(crate) mod names;
pub(crate) mod setup;
