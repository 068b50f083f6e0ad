//! What can be wrong with an access file, and with who knocks.

use thiserror::Error;

/// Why an access file was refused. Trying again does not help; the file has to change.
///
/// Holds no value of the file, so that a secret pasted into the wrong place is not logged.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{file}:{line}:{column}: {}{message}", Quoted(key))]
pub struct AccessError {
    /// The file as it was named to the loader.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The key with the tables it is in, such as `roles.writer.publish.allow`. Empty for a
    /// mistake in the syntax.
    pub key: String,
    /// What is wrong, and what is allowed.
    pub message: String,
}

struct Quoted<'a>(&'a str);

impl std::fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "`{}` ", self.0) }
    }
}

/// A client that does not get in.
///
/// `Display` is for the client, and says the same of an unknown name and of a wrong secret;
/// [`Denied::reason`] is for the hub's own log and metrics. Neither holds anything the client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denied(pub(super) Reason);

impl Denied {
    /// The exact reason. Not for the client.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.0
    }
}

impl Denied {
    /// If not, the keys that are there may be old.
    pub(crate) fn for_good_if(self, newest: bool) -> Self {
        if newest { self } else { Reason::KeysPending.into() }
    }
}

impl std::fmt::Display for Denied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Reason::CredentialsRequired => "credentials are required here",
            Reason::KeysPending => "the keys for these credentials cannot be had yet; try again",
            // Said only of a token whose signature was good, so it helps nobody guess.
            Reason::Expired => "the credentials have expired",
            _ => "the credentials were not accepted",
        })
    }
}

impl std::error::Error for Denied {}

impl From<Reason> for Denied {
    fn from(reason: Reason) -> Self {
        Denied(reason)
    }
}

/// Why a client does not get in, exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Reason {
    /// No credentials, where anonymous clients are not allowed.
    #[error("no credentials, and anonymous clients are not allowed from there")]
    CredentialsRequired,
    /// Not of the form of such credentials, or longer than any can be.
    #[error("malformed credentials")]
    Malformed,
    /// No such token id or user.
    #[error("unknown token id or user")]
    Unknown,
    /// The id or user is known, the secret is another.
    #[error("wrong secret")]
    WrongSecret,
    /// No identity has this certificate name.
    #[error("unknown certificate name")]
    UnknownCertificate,
    /// A name from a certificate or a claim that is no name of an identity, with its prefix.
    #[error("the name is not allowed as an identity")]
    BadName,
    /// A name from a certificate or a claim that the access file declares for somebody else.
    #[error("the name belongs to an identity declared in the access file")]
    NameTaken,
    /// No role at all.
    #[error("no role")]
    NoRole,
    /// Two roles that name different views, of which neither is safe to choose.
    #[error("roles with different views")]
    ViewConflict,
    /// With this name in it, a role's filter is longer than a topic can be.
    #[error("the name is too long for a filter of its role")]
    NameTooLong,
    /// A JWT in an algorithm that no configured issuer allows. `none` is one.
    #[error("the JWT's algorithm is not allowed")]
    Algorithm,
    /// No key with that `kid` and of the kind for that algorithm.
    #[error("no key for the JWT")]
    UnknownKey,
    /// The keys that the issuer has now could not be fetched, so this is not for good.
    #[error("the keys of the JWT's issuer could not be fetched yet")]
    KeysPending,
    /// The JWT's signature does not fit the key.
    #[error("the JWT's signature is wrong")]
    Signature,
    /// A JWT header that demands what the hub does not know (`crit`).
    #[error("the JWT demands an unknown extension")]
    Critical,
    /// Another `iss`.
    #[error("the JWT is of another issuer")]
    Issuer,
    /// Another `aud`.
    #[error("the JWT is for another audience")]
    Audience,
    /// A needed claim is missing, or of a wrong type.
    #[error("a claim of the JWT is missing or malformed")]
    Claim,
    /// Past `exp`.
    #[error("expired")]
    Expired,
    /// Before `nbf`.
    #[error("not valid yet")]
    NotYetValid,
    /// Was accepted once, and is not any more: [`Access::reauthorise`](super::Access::reauthorise).
    #[error("revoked")]
    Revoked,
}
