//! Describes what a client shows to prove its identity, and what else the hub knows of the client.
//! [`Debug`](std::fmt::Debug) of credentials never prints a secret. Otherwise a log line would reveal
//! it.

use std::fmt;
use std::time::SystemTime;

/// Holds what a client shows to prove its identity.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// The client shows no credentials. Then its certificate counts, and without a certificate the
    /// client is anonymous.
    None,
    /// The client shows an access token that [`create_token`](super::create_token) has made.
    Token(String),
    /// The client shows a name and a password.
    Password {
        /// The client states this name of an identity.
        user: String,
        /// The client states this password.
        password: String,
    },
    /// The client shows a JWT of an identity provider.
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

/// Holds what the hub knows of the client besides its credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Is true if the client is on this machine, judged by its address.
    pub loopback: bool,
    /// Holds the contents of the client's certificate, if TLS has verified one.
    pub certificate: Option<PeerCertificate>,
}

/// Holds what a verified certificate states about its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerCertificate {
    /// Holds the URIs, DNS names and e-mail addresses of the subject's alternative names, in this
    /// order. If there are none, the common name of the subject takes their place. A name can be
    /// any text, and the access file decides which of them becomes the name of an identity.
    pub names: Vec<String>,
    /// The certificate is not valid from this time on. With `None`, it does not expire.
    pub expires: Option<SystemTime>,
}
