//! What a client shows to prove its identity, and what else the hub knows of it. [`Debug`](std::fmt::Debug)
//! of credentials never prints a secret; otherwise a log line would reveal it.

use std::fmt;
use std::time::SystemTime;

/// What a client shows to prove its identity.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// The client shows nothing. Then its certificate counts, or otherwise it is anonymous.
    None,
    /// An access token that [`create_token`](super::create_token) has made.
    Token(String),
    /// A name and a password.
    Password {
        /// The name of an identity.
        user: String,
        /// Its password.
        password: String,
    },
    /// A JWT of an identity provider.
    Jwt(String),
}

/// Prints only the kind of the credentials.
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

/// What the hub knows of the client besides its credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Whether the client is on this machine, by its address.
    pub loopback: bool,
    /// The contents of its certificate, if TLS has verified one.
    pub certificate: Option<PeerCertificate>,
}

/// What a verified certificate states about its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerCertificate {
    /// The URIs, DNS names and e-mail addresses of the subject's alternative names, in this order.
    /// If there is none of these, the common name of the subject. A name can be any text; the
    /// access file decides which of them becomes the name of an identity.
    pub names: Vec<String>,
    /// The time from which on the certificate is not valid.
    pub expires: Option<SystemTime>,
}
