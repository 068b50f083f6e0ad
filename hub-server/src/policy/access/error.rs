//! The errors in an access file, and the reasons for which clients are not accepted. They are here, so that
//! no error quotes a secret.

use thiserror::Error;

/// Why an access file was refused. Trying again does not help; the file has to change.
///
/// It contains no value of the file, so that a secret in the wrong place is not logged.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{file}:{line}:{column}: {}{message}", Quoted(key))]
pub struct AccessError {
    /// The name of the file, as it was given to the loader.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// The key with the tables around it, such as `roles.writer.publish.allow`. It is empty for an
    /// error in the syntax.
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

/// A client was not accepted.
///
/// `Display` is for the client. It is the same for an unknown name and for a wrong secret.
/// [`Denied::reason`] is for the hub's own log and metrics. Neither contains anything that the
/// client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denied(pub(super) Reason);

impl Denied {
    /// The exact reason, which must not be shown to the client.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.0
    }
}

impl Denied {
    /// Keeps the reason if the keys of the issuer are up to date. Otherwise the client has to try
    /// again, because the keys may be old.
    pub(crate) fn for_good_if(self, newest: bool) -> Self {
        if newest { self } else { Reason::KeysPending.into() }
    }
}

impl std::fmt::Display for Denied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Reason::CredentialsRequired => "credentials are required here",
            Reason::KeysPending => "the keys for these credentials cannot be had yet; try again",
            // The client gets this only for a token whose signature is valid, so it helps nobody to
            // guess.
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

/// The exact reason for which a client is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Reason {
    /// The client shows no credentials, and anonymous clients are not allowed.
    #[error("no credentials, and anonymous clients are not allowed from there")]
    CredentialsRequired,
    /// The credentials do not have the form of their kind, or are longer than any can be.
    #[error("malformed credentials")]
    Malformed,
    /// There is no access token or user of this name.
    #[error("unknown token id or user")]
    Unknown,
    /// The access token or the user is known, but the secret is wrong.
    #[error("wrong secret")]
    WrongSecret,
    /// No identity has a name of this certificate.
    #[error("unknown certificate name")]
    UnknownCertificate,
    /// A name from a certificate or a claim, with its prefix, cannot be the name of an identity.
    #[error("the name is not allowed as an identity")]
    BadName,
    /// A name from a certificate or a claim is one that the access file declares for another
    /// identity.
    #[error("the name belongs to an identity declared in the access file")]
    NameTaken,
    /// The identity has no role.
    #[error("no role")]
    NoRole,
    /// Two roles name different views, and neither is safe to choose.
    #[error("roles with different views")]
    ViewConflict,
    /// With the name of this identity in it, the filter of a role is longer than a topic can be.
    #[error("the name is too long for a filter of its role")]
    NameTooLong,
    /// The algorithm of the JWT is not allowed by any issuer in the access file. `none` is such an
    /// algorithm.
    #[error("the JWT's algorithm is not allowed")]
    Algorithm,
    /// There is no key with this `kid` and of the kind for this algorithm.
    #[error("no key for the JWT")]
    UnknownKey,
    /// The current keys of the issuer could not be fetched yet, so the client may try again.
    #[error("the keys of the JWT's issuer could not be fetched yet")]
    KeysPending,
    /// The signature of the JWT does not fit the key.
    #[error("the JWT's signature is wrong")]
    Signature,
    /// The header of the JWT demands an extension that the hub does not know (`crit`).
    #[error("the JWT demands an unknown extension")]
    Critical,
    /// The claim `iss` names another issuer.
    #[error("the JWT is of another issuer")]
    Issuer,
    /// The claim `aud` names another audience.
    #[error("the JWT is for another audience")]
    Audience,
    /// A claim that is needed is missing, or has a wrong type.
    #[error("a claim of the JWT is missing or malformed")]
    Claim,
    /// The time in `exp` is over.
    #[error("expired")]
    Expired,
    /// The time in `nbf` has not come yet.
    #[error("not valid yet")]
    NotYetValid,
    /// The credentials were accepted once and no longer are, as
    /// [`Access::reauthorise`](super::Access::reauthorise) found.
    #[error("revoked")]
    Revoked,
}
