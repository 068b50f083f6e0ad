//! TLS: what the two sides agreed on, and the content of their records if a key log has the secrets.
//!
//! A hub on a network that others can read speaks TLS, and then a capture shows nothing but lengths. With
//! the secrets, its frames can be shown like any others. The primitives are those of aws-lc. This module
//! only follows which key is in force, and never prints a secret.
//!
//! TLS 1.3 and 1.2 are read, with the cipher suites of the hub and its SDK.

mod alert;
mod cipher;
mod direction;
mod handshake;
mod key_log;
mod records;
mod session;

pub use alert::Alert;
pub use key_log::KeyLog;
pub use session::{Session, TlsSummary};

/// What a segment has shown about a TLS connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsStep {
    /// The client asks for a connection.
    ClientHello {
        /// The name of the server that the client asks for. It is sent in the clear.
        name: Option<String>,
    },
    /// The server has chosen.
    ServerHello {
        /// The version, for example 0x0304 for TLS 1.3.
        version: u16,
        /// The number of the cipher suite.
        suite: u16,
    },
    /// One side warns the other, or gives up.
    Alert(Alert),
    /// From here on, nothing more is decrypted.
    Ended(Undecrypted),
}

/// Why a TLS connection is not decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undecrypted {
    /// There is no key log.
    NoKeyLog,
    /// The key log does not have the secrets.
    NoSecrets,
    /// The capture does not have the whole handshake.
    NoHandshake,
    /// The sides use a cipher suite that this module does not know.
    UnknownSuite,
    /// A record is damaged, or does not belong to the secrets.
    Broken,
    /// After lost bytes, no record was found that follows them.
    Lost,
}

impl Undecrypted {
    /// Returns the text for people.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Undecrypted::NoKeyLog => "there is no key log (--keylog)",
            Undecrypted::NoSecrets => "the key log does not have its secrets",
            Undecrypted::NoHandshake => "the capture does not have its whole handshake",
            Undecrypted::UnknownSuite => "its cipher suite is not known here",
            Undecrypted::Broken => "a record is damaged or does not belong to the secrets",
            Undecrypted::Lost => "too much of it is not in the capture",
        }
    }
}

/// What a TLS connection gives out.
#[derive(Debug, PartialEq, Eq)]
pub enum TlsItem<'a> {
    /// Something has happened.
    Step(TlsStep),
    /// The content of a record.
    Content {
        /// The bytes that were encrypted.
        bytes: &'a [u8],
        /// The packet that carried the first byte of the record.
        first_packet: u64,
        /// The packet that carried its last byte.
        last_packet: u64,
        /// The offset in the TCP stream behind the record.
        end: u64,
    },
    /// Content in front of the next one is not in the capture.
    Lost,
}

/// Returns the name of a version of TLS.
#[must_use]
pub fn version_name(version: u16) -> &'static str {
    match version {
        0x0301 => "TLS 1.0",
        0x0302 => "TLS 1.1",
        0x0303 => "TLS 1.2",
        0x0304 => "TLS 1.3",
        _ => "an unknown version of TLS",
    }
}

/// Returns the name of a cipher suite, if it is one of those that can be decrypted.
#[must_use]
pub fn suite_name(suite: u16) -> Option<&'static str> {
    cipher::Suite::of(suite).map(|suite| suite.name)
}
