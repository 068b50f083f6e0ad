//! What a client shows to get in, and what the hub knows of it besides. [`Debug`](std::fmt::Debug)
//! of credentials never prints a secret; otherwise a log line would reveal it.

use std::fmt;
use std::time::SystemTime;

/// What a client shows to get in.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing: then its certificate counts, or else it is anonymous.
    None,
    /// A token made by [`create_token`](super::create_token).
    Token(String),
    /// A name and a password.
    Password {
        /// The name of an identity.
        user: String,
        /// Its password.
        password: String,
    },
    /// A signed token of an identity provider.
    Jwt(String),
}

/// Says only of which kind they are.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Credentials::None => "None",
            Credentials::Token(_) => "Token(…)",
            Credentials::Password { .. } => "Password(…)",
            Credentials::Jwt(_) => "Jwt(…)",
        })
    }
}

/// What the hub knows of the other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Whether it is on this machine, by its address.
    pub loopback: bool,
    /// What its certificate says, if TLS verified one.
    pub certificate: Option<PeerCertificate>,
}

/// What a verified certificate says of its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerCertificate {
    /// URIs, DNS names and e-mail addresses of the subject's alternative names, in this order; if
    /// there is none, the subject's common name. Any text: what is no name of an identity does not
    /// become one.
    pub names: Vec<String>,
    /// From when on it is not valid.
    pub expires: Option<SystemTime>,
}
